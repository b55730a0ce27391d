import { createMiddleware } from "hono/factory";
import { type Router, UnsupportedPathError } from "hono/router";
import { RegExpRouter } from "hono/router/reg-exp-router";
import type { H, RouterRoute } from "hono/types";
import { Problem } from "./problems.ts";

/** 405 with the methods that the path has (RFC 9110, section 15.5.6). */
export const methodNotAllowed = (method: string, allowed: string[]): Problem =>
  new Problem(405, `This path does not allow ${method}.`, { headers: { Allow: allowed.join(", ") } });

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

/**
 * A middleware for a path like `/export`, which another route would take for an id. @throws {Problem} 405 for all
 * other methods
 */
export const requireMethod = (...methods: string[]) =>
  createMiddleware(async (c, next) => {
    if (!methods.includes(c.req.method)) throw methodNotAllowed(c.req.method, methods);
    await next();
  });

/**
 * Two of Hono's RegExpRouters. One alone cannot have a word where another route has a parameter (`/patients/export`
 * beside `/patients/:id`), and Hono would use its slower TrieRouter for all routes. Such a word must be added after
 * the parameter, and first for all methods.
 */
export function createRouter<Handler>(): Router<Handler> {
  const [main, words] = [new RegExpRouter<Handler>(), new RegExpRouter<Handler>()];
  const wordPaths = new Set<string>();
  return {
    name: "TwoRegExpRouters",
    add(method, path, handler) {
      try {
        main.add(method, path, handler);
      } catch (error) {
        if (!(error instanceof UnsupportedPathError)) throw error;
        wordPaths.add(path);
      }
      // Middleware applies to the routes of both routers.
      if (path.endsWith("*") || wordPaths.has(path)) words.add(method, path, handler);
    },
    match: (method, path) => (wordPaths.has(path) ? words : main).match(method, path),
  };
}
