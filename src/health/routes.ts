import { sql } from "drizzle-orm";
import { Hono } from "hono";
import { statement } from "../db/statement.ts";
import type { AppEnv } from "../http/context.ts";
import { limit } from "../http/rate-limits.ts";

/** Whether the Worker runs; touches nothing, so that it says nothing else. */
export const health = new Hono<AppEnv>().get("/healthz", (c) => c.json({ status: "ok" }));

const ask = statement<{ one: number }>(() => ({
  steps: { answer: sql`SELECT 1 AS one` },
  from: "answer",
  row: { one: sql`one` },
}));

/** Whether the database answers; 503 from the error handler when it does not. */
export const readiness = new Hono<AppEnv>().get("/readyz", limit("READY_LIMITER"), async (c) => {
  await ask(c.get("connection"), {});
  return c.json({ status: "ok" });
});
