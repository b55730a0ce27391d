import { Hono } from "hono";
import { requireAccount } from "../auth/require-account.ts";
import type { AppEnv } from "../http/context.ts";
import { requireAdmin } from "../http/problems.ts";
import { listHandlers } from "../http/resource-handlers.ts";
import { listAuditEvents } from "./queries.ts";
import { AuditQuery } from "./requests.ts";

const requireAuditor = (isAdmin: boolean) => requireAdmin(isAdmin, "read the audit log");

export const auditRoutes = new Hono<AppEnv>()
  .use(requireAccount)
  .get("/", ...listHandlers(AuditQuery, listAuditEvents, requireAuditor));
