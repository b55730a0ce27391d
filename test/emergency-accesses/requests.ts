import * as z from "zod/mini";
import { OpenEmergencyAccess } from "../../src/emergency-accesses/responses.ts";
import { postEmergencyAccess } from "../support/ownership.ts";
import { postPatient } from "../support/resources.ts";
import type { RouteRequest } from "../support/route-requests.ts";

export const emergencyAccessRequests: RouteRequest[] = [
  {
    route: "GET /api/emergency-accesses",
    status: 200,
    answer: z.array(OpenEmergencyAccess),
    recorded: "list_emergency_accesses",
    subject: async (account) => {
      await postEmergencyAccess(account, await postPatient(account));
      return {};
    },
    as: "admin",
    access: { toOthers: 200 },
  },
];
