import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import type { AppEnv } from "./context.ts";

/**
 * One line of JSON for each request. It names the route by its pattern, never the URL: what a client writes there is not
 * for a log to keep.
 */
export const accessLog = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  const { method } = c.req;
  console.log(
    JSON.stringify({ request_id: c.var.requestId, method, route: routePath(c), status: c.res.status }),
  );
});
