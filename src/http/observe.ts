import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import type { AppEnv } from "./context.ts";

/**
 * On every answer: it is not to be stored, guessed at, framed, or told of elsewhere, and comes by TLS only; and should a
 * browser show one as a page after all, nothing in it is loaded or run.
 */
const standing = Object.entries({
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "Strict-Transport-Security": "max-age=15552000; includeSubDomains",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
});

/**
 * Gives each request an id and its answer the headers that all have, and tells client and log how it went: how many
 * milliseconds it took, and how many of them it waited for the database. (On Cloudflare the clock stands still while code
 * runs: what was computed before a statement, a password's hash above all, counts as waiting for it.) One line of JSON a request, which names the route
 * by its pattern, never the URL: what a client writes there is not for a log to keep.
 */
export const observe = createMiddleware<AppEnv>(async (c, next) => {
  // Never the client's own id: it would stand in our logs as if we had given it.
  const request_id = crypto.randomUUID();
  c.set("requestId", request_id);
  const start = performance.now();
  await next();
  const total_ms = Math.round(performance.now() - start);
  // None where the database was not needed, or there was an error on the way to it.
  const db_ms = Math.round(c.get("connection")?.waited ?? 0);
  // All at once and on the answer itself: c.header() would make a new answer for each.
  const { headers, status } = c.res;
  for (const [name, value] of standing) headers.set(name, value);
  headers.set("X-Request-Id", request_id);
  headers.set("Server-Timing", `db;dur=${db_ms}, total;dur=${total_ms}`);
  const { method } = c.req;
  console.log(JSON.stringify({ request_id, method, route: routePath(c), status, db_ms, total_ms }));
});
