import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { matchedRoutes, routePath } from "hono/route";
import type { Router } from "hono/router";
import type { H, RouterRoute } from "hono/types";
import { Problem } from "./problems.ts";

/** 405 with the methods that the path has (RFC 9110, section 15.5.6). */
export const methodNotAllowed = (method: string, allowed: string[]): Problem =>
  new Problem("method_not_allowed", `This path does not allow ${method}.`, {
    headers: { Allow: allowed.join(", ") },
  });

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/**
 * The methods that have a route at a path. It asks the app's own router; `hono/method-not-allowed` would build a
 * second router of all routes with the first such request.
 */
export function allowedMethods(router: Router<[H, RouterRoute]>, path: string): string[] {
  const methods = METHODS.filter((method) =>
    router.match(method, path)[0].some(([[, route]]) => route.method === method),
  );
  return methods.includes("GET") ? [...methods, "HEAD"] : methods;
}

/** The middleware of `requireMethod`, with the methods that it lets through. */
const methodsOfMiddleware = new WeakMap<WeakKey, string[]>();

/**
 * A middleware for a path like `/export`, which a later route would take for an id: both this and the route are added
 * before `/:id`.
 *
 * @throws {Problem} 405 for all other methods.
 */
export function requireMethod(...methods: string[]) {
  const middleware = createMiddleware(async (c, next) => {
    if (!methods.includes(c.req.method)) throw methodNotAllowed(c.req.method, methods);
    await next();
  });
  methodsOfMiddleware.set(middleware, methods);
  return middleware;
}

/** The handlers of the route that a request is for, without those of all methods; none when it is 404 or 405. */
export const routeHandlers = (c: Context): WeakKey[] => ownRoutes(c).map(({ handler }) => handler);

/**
 * The pattern of the route that a request is for, also when a middleware before it has refused the request. For a 404 or
 * a 405 that of the last middleware.
 */
export const routePattern = (c: Context): string => ownRoutes(c)[0]?.path ?? routePath(c);

function ownRoutes(c: Context): RouterRoute[] {
  const { method } = c.req;
  const matched = matchedRoutes(c);
  if (matched.some(({ handler }) => methodsOfMiddleware.get(handler)?.includes(method) === false)) return [];
  const own = matched.filter((route) => route.method === (method === "HEAD" ? "GET" : method));
  // The first path that matches is the one that responds.
  return own.filter(({ path }) => path === own[0]?.path);
}
