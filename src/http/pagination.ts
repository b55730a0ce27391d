import type { Context } from "hono";
import type { GuardedEnv } from "../auth/require-account.ts";
import type { Page, Position } from "../db/query/list.ts";
import type { Json } from "../db/statement.ts";
import { seal, unseal } from "./cursor.ts";
import type { ListQuery } from "./list-query.ts";
import { type FieldErrors, invalidFields } from "./problems.ts";
import { respond } from "./respond.ts";

const DEFAULT_SORT = "id";

/** The list, by its path: each patient has a history of its own. */
const pathOf = (c: Context): string => c.req.path.replace(/\/$/, "");

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
  if (found?.list !== pathOf(c)) throw invalidFields({ cursor: ["Not a cursor of this list"] });
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
  const continuation: Continuation = { list: pathOf(c), asked: { ...filters, sort }, after: next };
  const cursor = await seal(continuation, c.get("config"));
  // Relative, for behind a gateway the URL that we see is not the client's. And nothing else of the query: names that are
  // searched for are not for a URL of ours to repeat.
  const { pathname } = new URL(c.req.url); // with its last slash, when it was asked with one
  return respond(body, 200, { Link: `<${pathname}?limit=${size}&cursor=${cursor}>; rel="next"` });
}
