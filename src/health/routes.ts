import { sql } from "drizzle-orm";
import { Hono } from "hono";
import { defineStatement } from "../db/query/steps/statement.ts";
import type { AppEnv } from "../http/context.ts";
import { rateLimit } from "../http/rate-limits.ts";

/** `GET /healthz`: whether the Worker runs. It uses neither the configuration nor the database. */
export const livenessRoute = new Hono<AppEnv>().get("/healthz", (c) => c.json({ status: "ok" }));

const pingDatabase = defineStatement<{ one: number }>(() => ({
  steps: { ping: sql`SELECT 1 AS one` },
  from: "ping",
  row: { one: sql`one` },
}));

/** `GET /readyz`: whether the database answers; the error handler responds with 503 when it does not. */
export const readinessRoute = new Hono<AppEnv>().get("/readyz", rateLimit("READY_LIMITER"), async (c) => {
  await pingDatabase(c.get("connection"), {});
  return c.json({ status: "ok" });
});
