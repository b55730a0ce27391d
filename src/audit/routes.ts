import { Hono } from "hono";
import { requireAccount } from "../auth/require-account.ts";
import type { AppEnv } from "../http/context.ts";
import { requireAdmin } from "../http/problems.ts";
import { listHandlers } from "../http/resource-handlers.ts";
import { listAuditDigests, listAuditEvents } from "./queries.ts";
import { AuditQuery, DigestsQuery } from "./requests.ts";

const requireAuditor = (isAdmin: boolean) => requireAdmin(isAdmin, "read the audit log");

export const auditRoutes = new Hono<AppEnv>()
  .use(requireAccount)
  .get("/", ...listHandlers(AuditQuery, listAuditEvents, requireAuditor))
  .get("/digests", ...listHandlers(DigestsQuery, listAuditDigests, requireAuditor));
