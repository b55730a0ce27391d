import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { rateLimit } from "../http/rate-limits.ts";
import { pingDatabase } from "./queries.ts";

/** `GET /healthz`: whether the Worker runs. It uses neither the configuration nor the database. */
export const livenessRoute = new Hono<AppEnv>().get("/healthz", (c) => c.json({ status: "ok" }));

/** `GET /readyz`: whether the database answers; the error handler responds with 503 when it does not. */
export const readinessRoute = new Hono<AppEnv>().get("/readyz", rateLimit("READY_LIMITER"), async (c) => {
  await pingDatabase(c.get("connection"), {});
  return c.json({ status: "ok" });
});
