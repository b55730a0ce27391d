import { Hono } from "hono";
import { requireAccount } from "../auth/require-account.ts";
import { hashToken, sha256Hex } from "../crypto.ts";
import type { AppEnv } from "../http/context.ts";
import { IdPath } from "../http/fields.ts";
import { fieldProblem, notFoundProblem, Problem } from "../http/problems.ts";
import { rateLimit, requestOrigin } from "../http/rate-limits.ts";
import { listHandlers } from "../http/resource-handlers.ts";
import { validate, validateHeaders } from "../http/validation.ts";
import { formatCalendar } from "./icalendar.ts";
import { listFeeds } from "./list-queries.ts";
import { createFeed, deleteFeed, readCalendar } from "./queries.ts";
import {
  CalendarFeedsQuery,
  CalendarPath,
  CalendarPreconditions,
  MAX_FEEDS,
  NewCalendarFeed,
  TOKEN_BYTES,
} from "./requests.ts";
import type { IssuedCalendarFeed } from "./responses.ts";

export const calendarFeedRoutes = new Hono<AppEnv>()
  .use(requireAccount)
  .get("/", ...listHandlers(CalendarFeedsQuery, listFeeds))

  .post("/", validate("json", NewCalendarFeed), async (c) => {
    const { label, doctor = null } = c.req.valid("json");
    const random = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
    const token = random.toBase64({ alphabet: "base64url", omitPadding: true });
    const values = { label, doctor, token_hash: await hashToken(token) };
    const { isOwnDoctor, id, created_at } = await createFeed(c.get("caller"), values);
    if (!isOwnDoctor)
      throw fieldProblem("doctor", "no_such_record", "Must be the doctor whose own account this is");
    if (id === null)
      throw new Problem("too_many_feeds", `You have ${MAX_FEEDS} calendar feeds: delete one first.`);
    const { clinic_id: clinic } = c.get("caller").claims;
    const url = new URL(`/calendar/${token}.ics`, c.req.url).href;
    const issued: IssuedCalendarFeed = { id, label, doctor, clinic, created_at, last_used_at: null, url };
    return c.json(issued, 201);
  })

  .delete("/:id", validate("param", IdPath), async (c) => {
    const { isDeleted } = await deleteFeed(c.get("caller"), c.req.valid("param"));
    if (!isDeleted) throw notFoundProblem("calendar feed");
    return c.body(null, 204);
  });

/** The calendars. They need no access token: their address is the secret. */
export const calendarRoutes = new Hono<AppEnv>().get(
  "/:feed",
  rateLimit("CALENDAR_LIMITER"),
  validate("param", CalendarPath),
  validateHeaders(CalendarPreconditions),
  async (c) => {
    const token_hash = await hashToken(c.req.valid("param").feed);
    const calendar = await readCalendar(c.get("connection"), { token_hash, ...requestOrigin(c) });
    // The same as for a path that is no token.
    if (!calendar) throw notFoundProblem("record");
    const text = formatCalendar(
      calendar.label,
      JSON.parse(calendar.appointments),
      new URL(c.req.url).hostname,
    );
    const tag = await sha256Hex(new TextEncoder().encode(text));
    const headers = {
      "Cache-Control": "private, no-cache",
      ETag: `"${tag}"`,
      "X-Robots-Tag": "noindex",
    };
    const known = c.req.valid("header")["If-None-Match"]?.trim();
    // Also when a proxy has changed the ETag: it is long enough to be found anywhere in the header.
    const isKnown = known === "*" || known?.includes(tag);
    return isKnown
      ? c.body(null, 304, headers)
      : c.body(text, 200, { ...headers, "Content-Type": "text/calendar; charset=utf-8" });
  },
);
