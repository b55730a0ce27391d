import type { Context } from "hono";
import { cors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import { readCorsOrigins } from "../config.ts";
import type { AppEnv } from "./context.ts";

const sendCorsHeaders = cors({
  origin: (origin, c: Context<AppEnv>) => {
    const allowed = readCorsOrigins(c.env);
    return allowed.includes("*") ? "*" : allowed.find((one) => one === origin);
  },
  allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
  exposeHeaders: [
    "Allow",
    "Content-Disposition",
    "Deprecation",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "Retry-After",
    "Server-Timing",
    "WWW-Authenticate",
    "X-Request-Id",
  ],
  maxAge: 86_400,
});

/**
 * CORS by `CORS_ORIGINS`. `*`: only preflights and requests with `Origin` get the headers. A list: all responses get
 * them, because they differ by origin (`Vary`). Empty: no response gets them. CORS affects browsers only.
 */
export const corsHeaders = createMiddleware<AppEnv>((c, next) => {
  const allowed = readCorsOrigins(c.env);
  const isCrossOrigin = c.req.header("Origin") || c.req.method === "OPTIONS";
  const sendsHeaders = allowed.includes("*") ? isCrossOrigin : allowed.length > 0;
  return sendsHeaders ? sendCorsHeaders(c, next) : next();
});
