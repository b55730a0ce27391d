import { type Context, Hono } from "hono";
import { requireAccount } from "../auth/require-account.ts";
import type { Json } from "../db/statement.ts";
import type { AppEnv, AuthenticatedEnv } from "../http/context.ts";
import { decryptCursor, encryptCursor } from "../http/pagination.ts";
import { fieldProblem, Problem } from "../http/problems.ts";
import { respondJson } from "../http/respond.ts";
import { validate } from "../http/validation.ts";
import { listAllRecords } from "./all-records-queries.ts";
import { listChangesSince } from "./changes-since-queries.ts";
import { ChangesQuery } from "./requests.ts";
import type { ChangePage } from "./responses.ts";
import type { FeedCursor, FeedPosition } from "./steps.ts";

/** Tells a cursor of the feed from one of a list (src/http/pagination.ts). */
const FEED = "/api/changes";

/** When a client asks again after a response without changes, in seconds. */
const RETRY_SECONDS = 10;

const START: FeedPosition = { xact: null, kind: 0, id: 0, at: null, epoch: null, clinic: null, doctor: null };

/** @throws {Problem} 400 for a cursor that is not one of the caller's feed. */
async function readCursor(c: Context<AuthenticatedEnv>, since: string): Promise<FeedCursor> {
  const content = (await decryptCursor(since, c.get("config"))) as
    | (FeedCursor & { list: string })
    | undefined;
  if (content?.list !== FEED || content.account !== c.get("caller").claims.user_id)
    throw fieldProblem("since", "invalid_cursor", "Not a cursor of your changes");
  return content;
}

export const changeRoutes = new Hono<AppEnv>()
  .use(requireAccount)
  .get("/", validate("query", ChangesQuery), async (c) => {
    const { since } = c.req.valid("query");
    const cursor = since === undefined ? undefined : await readCursor(c, since);
    const { xact, kind, id, at, epoch, clinic, doctor } = cursor ?? START;
    const listChanges = cursor && !cursor.initial ? listChangesSince : listAllRecords;
    const { changes, next } = await listChanges(c.get("caller"), {
      xact,
      kind,
      id,
      at,
      epoch,
      clinic,
      doctor,
    });
    if (next === null)
      throw new Problem("cursor_expired", "This cursor has expired: read everything again, without since.");
    const nextCursor = await encryptCursor({ ...JSON.parse(next), list: FEED }, c.get("config"));
    const body = `{"changes":${changes},"cursor":"${nextCursor}"}` as Json<ChangePage>;
    return respondJson(body, 200, changes === "[]" ? { "Retry-After": String(RETRY_SECONDS) } : {});
  });
