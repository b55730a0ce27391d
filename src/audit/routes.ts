import { Hono } from "hono";
import { requireAccount } from "../auth/require-account.ts";
import type { AppEnv } from "../http/context.ts";
import { requireAdminOrAuditor } from "../http/problems.ts";
import { listHandlers } from "../http/resource-handlers.ts";
import { listAuditDigests, listAuditEvents } from "./queries.ts";
import { AuditQuery, DigestsQuery } from "./requests.ts";

const requireReader = (isAllowed: boolean) => requireAdminOrAuditor(isAllowed, "read the audit log");

export const auditRoutes = new Hono<AppEnv>()
  .use(requireAccount)
  .get("/", ...listHandlers(AuditQuery, listAuditEvents, requireReader))
  .get("/digests", ...listHandlers(DigestsQuery, listAuditDigests, requireReader));
