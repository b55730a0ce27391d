import type { Context } from "hono";
import { routePath } from "hono/route";
import type { Page, Position } from "../db/list.ts";
import type { Json } from "../db/statement.ts";
import * as z from "../zod.ts";
import { seal, unseal } from "./cursor.ts";
import { wholeNumber } from "./fields.ts";
import type { GuardedEnv } from "./guard.ts";
import { type FieldErrors, invalidFields } from "./problem.ts";
import { respond } from "./respond.ts";

const MAX_LIMIT = 200;
const DEFAULT_LIMIT = 50;
const DEFAULT_SORT = "id";

/**
 * The query of a list: a page of it, and what `filters` and `sorts` it knows. A parameter that it does not know is an
 * error, for a mistyped filter must never answer with everybody.
 */
export function listQuery<Filters extends z.core.$ZodShape, Sort extends string>(
  filters: Filters,
  sorts: Sort[],
) {
  const backwards = sorts.map((sort) => `-${sort}` as const);
  const known = ["limit", "cursor", "sort", ...Object.keys(filters)];
  return z.strictObject(
    {
      limit: z._default(wholeNumber(1, MAX_LIMIT), DEFAULT_LIMIT),
      cursor: z.optional(z.string().check(z.minLength(1))),
      sort: z.optional(z.enum([...sorts, ...backwards])),
      ...z.partial(z.object(filters)).shape,
    },
    {
      error: ({ code }) =>
        code === "unrecognized_keys" ? `Unknown: this list knows ${known.join(", ")}` : undefined,
    },
  );
}

/** What every list takes; and its filters. */
export type ListQuery = { limit: number; cursor?: string | undefined; sort?: string | undefined };

/** What a cursor holds: all that was asked for, so that a client which has the cursor alone goes on with the same. */
interface Continuation {
  list: string;
  asked: Record<string, unknown>;
  after: Position;
}

/**
 * The page that a query asks for: the first one, or the one after its cursor.
 *
 * @throws {Problem} 400 for a cursor that this list has not given, or that was given for other filters or another order.
 */
export async function pageOf(c: Context<GuardedEnv>, { limit, cursor, ...asked }: ListQuery): Promise<Page> {
  const first = { ...asked, sort: asked.sort ?? DEFAULT_SORT };
  if (cursor === undefined) return { size: limit, sort: first.sort, filters: asked, after: undefined };
  const found = (await unseal(cursor, c.get("config"))) as Continuation | undefined;
  if (found?.list !== routePath(c)) throw invalidFields({ cursor: ["Not a cursor of this list"] });
  const errors: FieldErrors = {};
  for (const [name, value] of Object.entries(asked))
    if (value !== undefined && value !== found.asked[name])
      errors[name] = ["Not what the cursor's page was asked for"];
  if (Object.keys(errors).length > 0) throw invalidFields(errors);
  return { size: limit, sort: String(found.asked["sort"]), filters: found.asked, after: found.after };
}

/** Answers with a page, and with a link to the `next` one, when there is one (RFC 8288). */
export async function respondWithPage<Shape>(
  c: Context<GuardedEnv>,
  { body, next }: { body: Json<Shape>; next: Position | null },
  { size, sort, filters }: Page,
) {
  if (next === null) return respond(body);
  const continuation: Continuation = { list: routePath(c), asked: { ...filters, sort }, after: next };
  const cursor = await seal(continuation, c.get("config"));
  // Nothing else of the query: names that are searched for are not for a URL of ours to repeat.
  const [url] = c.req.url.split("?");
  return respond(body, 200, { Link: `<${url}?limit=${size}&cursor=${cursor}>; rel="next"` });
}
