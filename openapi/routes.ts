import type { Hono } from "hono";
import { configure } from "../src/app.ts";
import { requireAccount } from "../src/auth/require-account.ts";
import type { AppEnv } from "../src/http/context.ts";
import { rateLimitedMiddleware } from "../src/http/rate-limits.ts";
import { validationSchemas } from "../src/http/validation.ts";
import type * as z from "../src/zod.ts";

/** A route, as its own handlers and the middleware before them say. */
export interface Route {
  /** `GET /api/patients/:id`, as the app has it. */
  key: string;
  method: string;
  /** The path as the document has it: `/api/patients/{id}/`. */
  path: string;
  /** What it validates, by the part of the request: `json`, `query`, `param`, `header`. */
  parts: Record<string, z.ZodMiniType>;
  /** Whether it needs an access token. */
  isGuarded: boolean;
  /** Whether its requests are counted, so that there may be too many. */
  isLimited: boolean;
  /** Whether it needs the configuration, and with it the database. */
  isConfigured: boolean;
}

/** Every route of the app, in its order. */
export function routesOf(app: Hono<AppEnv>): Route[] {
  const keys = app.routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path}`);
  return [...new Set(keys)].map((key) => routeOf(app, key));
}

function routeOf(app: Hono<AppEnv>, key: string): Route {
  const [method = "", pattern = ""] = key.split(" ");
  const chain = handlersOf(app, method, pattern);
  const validated = chain.flatMap((handler) => validationSchemas.get(handler) ?? []);
  return {
    key,
    method,
    path: `${pattern.replace(/:(\w+)/g, "{$1}")}${pattern.startsWith("/api/") ? "/" : ""}`,
    parts: Object.fromEntries(validated.map(({ part, schema }) => [part, schema])),
    isGuarded: chain.includes(requireAccount),
    isLimited: chain.some((handler) => rateLimitedMiddleware.has(handler)),
    isConfigured: chain.includes(configure),
  };
}

/** What runs for a route, up to its last handler: its own, and the middleware of all methods. */
function handlersOf(app: Hono<AppEnv>, method: string, pattern: string): WeakKey[] {
  const [matched] = app.router.match(method, pattern);
  const own = matched
    .map(([[handler, route]]) => ({ handler, route }))
    .filter(({ route }) => route.method === "ALL" || (route.method === method && route.path === pattern));
  const last = own.findLastIndex(({ route }) => route.method === method);
  return own.slice(0, last + 1).map(({ handler }) => handler);
}
