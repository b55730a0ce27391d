import { createMiddleware } from "hono/factory";
import { Problem } from "./problem.ts";

/** 405 for a path that has other methods (RFC 9110, section 15.5.6). */
export const wrongMethod = (method: string, allowed: string[]): Problem =>
  new Problem(405, `This path has no ${method}.`, { headers: { Allow: allowed.join(", ") } });

/** Keeps other methods from what another route would take for the id of a record. @throws {Problem} 405 */
export const only = (...methods: string[]) =>
  createMiddleware(async (c, next) => {
    if (!methods.includes(c.req.method)) throw wrongMethod(c.req.method, methods);
    await next();
  });
