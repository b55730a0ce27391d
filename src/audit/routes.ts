import { Hono } from "hono";
import { guard } from "../auth/require-account.ts";
import type { AppEnv } from "../http/context.ts";
import { requireAdmin } from "../http/problems.ts";
import { listOf } from "../http/resource-handlers.ts";
import { listRecord } from "./queries.ts";
import { EventsQuery } from "./requests.ts";

export const audit = new Hono<AppEnv>()
  .use(guard)
  .get("/", ...listOf(EventsQuery, listRecord, (allowed) => requireAdmin(allowed, "read the record")));
