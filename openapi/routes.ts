import type { Hono } from "hono";
import { configure } from "../src/app.ts";
import { requireAccount } from "../src/auth/require-account.ts";
import type { AppEnv } from "../src/http/context.ts";
import { rateLimitedMiddleware } from "../src/http/rate-limits.ts";
import { validationSchemas } from "../src/http/validation.ts";
import type * as z from "../src/zod.ts";

/** A route, with what its handlers and middleware require of a request. */
export interface Route {
  /** Method and path as in the app: `GET /api/patients/:id`. */
  key: string;
  method: string;
  /** The path as in the document: `/api/patients/{id}/`. */
  path: string;
  /** The schemas that validate the request, by its part: `json`, `query`, `param`, `header`. */
  schemas: Record<string, z.ZodMiniType>;
  /** Whether it requires an access token. */
  isAuthenticated: boolean;
  isRateLimited: boolean;
  /** Whether it reads the configuration, which every route that uses the database does. */
  isConfigured: boolean;
}

/** The routes of the app, in the order in which they are defined. */
export function listRoutes(app: Hono<AppEnv>): Route[] {
  const keys = app.routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path}`);
  return [...new Set(keys)].map((key) => inspectRoute(app, key));
}

function inspectRoute(app: Hono<AppEnv>, key: string): Route {
  const [method = "", pattern = ""] = key.split(" ");
  const handlers = handlersOfRoute(app, method, pattern);
  const validations = handlers.flatMap((handler) => validationSchemas.get(handler) ?? []);
  return {
    key,
    method,
    path: `${pattern.replace(/:(\w+)/g, "{$1}")}${pattern.startsWith("/api/") ? "/" : ""}`,
    schemas: Object.fromEntries(validations.map(({ part, schema }) => [part, schema])),
    isAuthenticated: handlers.includes(requireAccount),
    isRateLimited: handlers.some((handler) => rateLimitedMiddleware.has(handler)),
    isConfigured: handlers.includes(configure),
  };
}

/** The handlers of a route and the middleware before them. Middleware after the last handler runs only for unknown routes. */
function handlersOfRoute(app: Hono<AppEnv>, method: string, pattern: string): WeakKey[] {
  const [matched] = app.router.match(method, pattern);
  const candidates = matched
    .map(([[handler, route]]) => ({ handler, route }))
    .filter(({ route }) => route.method === "ALL" || (route.method === method && route.path === pattern));
  const last = candidates.findLastIndex(({ route }) => route.method === method);
  return candidates.slice(0, last + 1).map(({ handler }) => handler);
}
