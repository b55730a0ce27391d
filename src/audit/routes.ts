import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { guard } from "../http/guard.ts";
import { requireAdmin } from "../http/problem.ts";
import { listOf } from "../http/resource.ts";
import { EventsQuery } from "./contract.ts";
import { listRecord } from "./queries.ts";

export const audit = new Hono<AppEnv>()
  .use(guard)
  .get("/", ...listOf(EventsQuery, listRecord, (allowed) => requireAdmin(allowed, "read the record")));
