import { createMiddleware } from "hono/factory";
import type { AppEnv } from "./context.ts";
import { routePattern } from "./routing.ts";

/**
 * The headers of every response: it must not be sniffed or framed, needs TLS, and as a page would load and run nothing. It
 * must not be cached either, unless the route says how: a calendar may be, for the program that reads it.
 */
const securityHeaders = Object.entries({
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
});

/**
 * Gives each request an id, adds the headers that all responses have, and writes the access log: one line of JSON
 * with the route's pattern, never the URL, which may hold personal data. Both the log and `Server-Timing` have the
 * total time and the time that the request waited for the database, in milliseconds, and say when a statement was sent
 * as text. On Cloudflare the clock stands still while code runs, so CPU time before a statement, such as a password
 * hash, counts as waiting for it.
 */
export const observeRequest = createMiddleware<AppEnv>(async (c, next) => {
  // Never an id that the client sends: it would look like one of ours in the logs.
  const request_id = crypto.randomUUID();
  c.set("requestId", request_id);
  const start = performance.now();
  await next();
  const total_ms = Math.round(performance.now() - start);
  // There is no connection when the request failed before it was set.
  const connection = c.get("connection");
  const db_ms = Math.round(connection?.waitedMs ?? 0);
  const isText = connection?.sentAsText ?? false;
  // Set on the response itself: c.header() would create a new response for each header.
  const { headers, status } = c.res;
  for (const [name, value] of securityHeaders) headers.set(name, value);
  if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
  headers.set("X-Request-Id", request_id);
  headers.set("Server-Timing", `db;dur=${db_ms}, total;dur=${total_ms}${isText ? ", sql-text" : ""}`);
  const { method } = c.req;
  const line = { request_id, method, route: routePattern(c), status, db_ms, total_ms };
  console.log(JSON.stringify(isText ? { ...line, sql: "text" } : line));
});
