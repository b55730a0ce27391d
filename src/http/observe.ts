import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import type { AppEnv } from "./context.ts";

/**
 * Gives each request an id, and tells its client and our log how it went: how many milliseconds it took, and how many of
 * them it waited for the database. One line of JSON a request, which names the route by its pattern, never the URL: what a
 * client writes there is not for a log to keep.
 */
export const observe = createMiddleware<AppEnv>(async (c, next) => {
  // Never the client's own id: it would stand in our logs as if we had given it.
  const requestId = crypto.randomUUID();
  c.set("requestId", requestId);
  const start = performance.now();
  await next();
  const total = Math.round(performance.now() - start);
  // None yet where the database was not needed, or there was an error on the way to it.
  const db = Math.round(c.var.connection?.waited ?? 0);
  // On the answer itself: c.header() would make a new one for each.
  const { headers } = c.res;
  headers.set("X-Request-Id", requestId);
  headers.set("Server-Timing", `db;dur=${db}, total;dur=${total}`);
  const { method } = c.req;
  const line = {
    request_id: requestId,
    method,
    route: routePath(c),
    status: c.res.status,
    db_ms: db,
    total_ms: total,
  };
  console.log(JSON.stringify(line));
});
