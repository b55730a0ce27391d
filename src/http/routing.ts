import { createMiddleware } from "hono/factory";
import type { Router } from "hono/router";
import type { H, RouterRoute } from "hono/types";
import { Problem } from "./problems.ts";

/** 405 for a path that has other methods (RFC 9110, section 15.5.6). */
export const wrongMethod = (method: string, allowed: string[]): Problem =>
  new Problem(405, `This path has no ${method}.`, { headers: { Allow: allowed.join(", ") } });

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/**
 * The methods that have a route at a path; asked of the app's own router, where `hono/method-not-allowed` would build another
 * one, of all routes, when the first such request comes.
 */
export function methodsAt(router: Router<[H, RouterRoute]>, path: string): string[] {
  const has = METHODS.filter((method) =>
    router.match(method, path)[0].some(([[, route]]) => route.method === method),
  );
  return has.includes("GET") ? [...has, "HEAD"] : has;
}

/** Keeps other methods from what another route would take for the id of a record. @throws {Problem} 405 */
export const only = (...methods: string[]) =>
  createMiddleware(async (c, next) => {
    if (!methods.includes(c.req.method)) throw wrongMethod(c.req.method, methods);
    await next();
  });
