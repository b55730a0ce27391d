import { Hono } from "hono";
import { requireAccount } from "../auth/require-account.ts";
import type { AppEnv } from "../http/context.ts";
import { requireAdmin } from "../http/problems.ts";
import { listHandlers } from "../http/resource-handlers.ts";
import { listEmergencyAccesses } from "./list-queries.ts";
import { EmergencyAccessesQuery } from "./requests.ts";

const requireLister = (isAdmin: boolean) => requireAdmin(isAdmin, "list emergency accesses");

export const emergencyAccessRoutes = new Hono<AppEnv>()
  .use(requireAccount)
  .get("/", ...listHandlers(EmergencyAccessesQuery, listEmergencyAccesses, requireLister));
