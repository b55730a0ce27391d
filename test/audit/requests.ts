import * as z from "zod/mini";
import { AuditDigest, ListedAuditEvent } from "../../src/audit/responses.ts";
import type { RouteRequest } from "../support/route-requests.ts";

export const auditRequests: RouteRequest[] = [
  {
    route: "GET /api/audit",
    status: 200,
    answer: z.array(ListedAuditEvent).check(z.minLength(1)),
    recorded: "audit",
    as: "admin",
    // An audit event to read.
    subject: async (account) => {
      await account.get("/api/patients/");
      return {};
    },
    access: { toOthers: 403 },
  },
  {
    route: "GET /api/audit/digests",
    status: 200,
    answer: z.array(AuditDigest),
    recorded: "list_audit_digests",
    as: "admin",
    access: { toOthers: 403 },
  },
];
