import type { Context } from "hono";
import { type Config, memoizePerConfig } from "../config.ts";
import { deriveKey, jwtSecrets } from "../crypto.ts";
import type { PagePosition, PageRequest } from "../db/query/list.ts";
import type { Json } from "../db/statement.ts";
import * as z from "../zod.ts";
import type { AuthenticatedEnv } from "./context.ts";
import { integerParam, makeOptional } from "./fields.ts";
import { type FieldErrors, fieldProblem, validationProblem } from "./problems.ts";
import { strictQuery } from "./query.ts";
import { respondJson } from "./respond.ts";

export const MAX_LIMIT = 200;
const DEFAULT_LIMIT = 50;

const limit = z._default(integerParam(1, MAX_LIMIT), DEFAULT_LIMIT);
/** A cursor holds the query and the sort key of a record, and two names can have some thousand bytes. */
const MAX_CURSOR_LENGTH = 8192;
export const cursorParam = z.optional(z.string().check(z.minLength(1), z.maxLength(MAX_CURSOR_LENGTH)));

/**
 * Defines the query of a list. The schema is created with the first such request, not at start-up (see `requestBody` in
 * body-schemas.ts).
 *
 * @param filters the schemas of its filters by name; all are optional.
 */
export const definePageQuery = <Filters extends z.core.$ZodShape>(filters: Filters) =>
  z.lazy(() => strictQuery({ limit, cursor: cursorParam, ...makeOptional(filters) }));

/** Defines the query of a list with several sort orders. `sort` takes each name, and with a `-` before it backwards. */
export function defineListQuery<Filters extends z.core.$ZodShape, Sort extends string>(
  filters: Filters,
  sorts: Sort[],
) {
  const backwards = sorts.map((sort) => `-${sort}` as const);
  return definePageQuery({ sort: z.enum([...sorts, ...backwards]), ...filters });
}

/** A validated query of a list: these parameters and its filters. */
export type ListQuery = { limit: number; cursor?: string | undefined; sort?: string | undefined };

/**
 * The content of a cursor: the whole query, so that a client which sends only the cursor goes on with the same list.
 */
interface CursorContent {
  list: string;
  query: Record<string, unknown>;
  after: PagePosition;
  /** The form of a name in `after`. */
  names?: number;
}

/**
 * The form that names are sorted by (`name_sort_key` in src/db/columns.ts). Increment it when the form changes: a page
 * after a name in another form would skip records or repeat them. Cursors of version 1.1 and before have none.
 */
const NAME_FORM = 2;
const isSortedByName = (sort: unknown): boolean => /^-?lastname$/.test(String(sort));

/** A list is identified by its path: each patient has a history of its own. */
const listPath = (c: Context): string => c.req.path.replace(/\/$/, "");

/**
 * The page that a query asks for: the first one, or the one after its cursor.
 *
 * @param defaultSort the order of a query that names none.
 * @throws {Problem} 400 for a cursor of another list, or of other filters or another order.
 */
export async function parsePageRequest(
  c: Context<AuthenticatedEnv>,
  { limit, cursor, ...query }: ListQuery,
  defaultSort = "id",
): Promise<PageRequest> {
  const sort = query.sort ?? defaultSort;
  if (cursor === undefined) return { size: limit, sort, filters: query, after: undefined };
  const content = (await decryptCursor(cursor, c.get("config"))) as CursorContent | undefined;
  if (content?.list !== listPath(c) || !content.query || isOutdated(content))
    throw fieldProblem("cursor", "invalid_cursor", "Not a cursor of this list");
  const errors: FieldErrors = {};
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== content.query[name])
      errors[name] = [{ code: "differs_from_cursor", message: "Differs from the query of the cursor" }];
  if (Object.keys(errors).length > 0) throw validationProblem(errors);
  return { size: limit, sort: String(content.query["sort"]), filters: content.query, after: content.after };
}

const isOutdated = ({ query, names }: CursorContent): boolean =>
  isSortedByName(query["sort"]) && names !== NAME_FORM;

/** Responds with a page and, when there is a `next` one, with a link to it (RFC 8288). */
export async function respondPage<Shape>(
  c: Context<AuthenticatedEnv>,
  { body, next }: { body: Json<Shape>; next: PagePosition | null },
  { size, sort, filters }: PageRequest,
) {
  if (next === null) return respondJson(body);
  const content: CursorContent = {
    list: listPath(c),
    query: { ...filters, sort },
    after: next,
    names: NAME_FORM,
  };
  const cursor = await encryptCursor(content, c.get("config"));
  // A relative URL, because behind a gateway the Worker does not see the client's. It does not repeat the filters: a
  // name that is searched for does not belong in a URL of ours. The path keeps its trailing slash, when the request
  // had one.
  const { pathname } = new URL(c.req.url);
  return respondJson(body, 200, { Link: `<${pathname}?limit=${size}&cursor=${cursor}>; rel="next"` });
}

/** A key for each secret, derived once in an isolate. The first one encrypts. */
const cursorKeys = memoizePerConfig((config) => {
  const aes = { name: "AES-GCM", length: 256 };
  return Promise.all(
    jwtSecrets(config).map((secret) => deriveKey(secret, "cursor", aes, ["encrypt", "decrypt"])),
  );
});

/** The length of AES-GCM's nonce in bytes (NIST SP 800-38D, section 8.2). */
const NONCE_BYTES = 12;

/**
 * Encrypts a JSON value as a cursor, which stands in URLs and may hold names: clients can neither read nor make one.
 */
export async function encryptCursor(value: unknown, config: Config): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const plaintext = new TextEncoder().encode(JSON.stringify(value));
  const [key] = await cursorKeys(config);
  const ciphertext = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key as CryptoKey, plaintext);
  const bytes = new Uint8Array(NONCE_BYTES + ciphertext.byteLength);
  bytes.set(iv);
  bytes.set(new Uint8Array(ciphertext), NONCE_BYTES);
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The value of a cursor; `undefined` when none of the secrets has encrypted it. */
export async function decryptCursor(cursor: string, config: Config): Promise<unknown> {
  for (const key of await cursorKeys(config)) {
    try {
      const bytes = Uint8Array.fromBase64(cursor, { alphabet: "base64url" });
      const iv = bytes.subarray(0, NONCE_BYTES);
      const plaintext = await crypto.subtle.decrypt(
        { name: "AES-GCM", iv },
        key,
        bytes.subarray(NONCE_BYTES),
      );
      return JSON.parse(new TextDecoder().decode(plaintext));
    } catch {
      // Not base64, or encrypted with another key.
    }
  }
  return undefined;
}
