import { Hono } from "hono";
import { requireAccount } from "../auth/require-account.ts";
import type { AppEnv } from "../http/context.ts";
import { Problem } from "../http/problems.ts";
import { listHandlers } from "../http/resource-handlers.ts";
import { listEmergencyAccesses } from "./list-queries.ts";
import { EmergencyAccessesQuery } from "./requests.ts";

function requireLister(isAllowed: boolean): void {
  if (!isAllowed)
    throw new Problem(
      "admin_required",
      "Only an admin or a manager of the clinic may list emergency accesses.",
    );
}

export const emergencyAccessRoutes = new Hono<AppEnv>()
  .use(requireAccount)
  .get("/", ...listHandlers(EmergencyAccessesQuery, listEmergencyAccesses, requireLister));
