import { auditActionsText, auditEventFieldTexts, exampleAuditEvent } from "../http/audit-event-openapi.ts";
import { pageParameterTexts } from "../http/common-openapi.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { AuditQuery } from "./requests.ts";
import { ListedAuditEvent } from "./responses.ts";

export const auditOpenApi: OpenApiGroup = {
  tag: { name: "Audit log", description: "For admins: who did what with whose data." },
  parameters: [
    describeParameters(AuditQuery, {
      limit: pageParameterTexts.limit,
      cursor: pageParameterTexts.cursor,
      account: { description: "Only events of this account, by its id." },
      patient: { description: "Only events that concern this patient, by its id." },
      action: { description: `Only events with this action: ${auditActionsText}.` },
      outcome: { description: "Only events with this outcome." },
      from: { description: "Only events at or after this UTC timestamp." },
      to: { description: "Only events before this UTC timestamp." },
    }),
  ],
  schemas: {
    AuditEvent: describeSchema(ListedAuditEvent, {
      description: "An event of the audit log.",
      fields: {
        ...auditEventFieldTexts,
        patients:
          "The ids of all patients whose data was read or changed. Left out of events about a doctor or an account.",
        doctor: "The id of the doctor that was changed.",
        subject: "The id of the account that was changed.",
      },
      example: { ...exampleAuditEvent, patients: [7] },
    }),
  },
  operations: {
    "GET /api/audit": {
      operationId: "listRecord",
      summary: "List audit events",
      description:
        "For admins. Returns a page of the audit log, newest first. Filters can be combined. Reading the audit log is audited too.",
      responses: [{ status: 200, description: "A page of events.", schema: ListedAuditEvent, list: true }],
      problems: {
        403: { description: "You are not an admin.", detail: "Only an admin may read the audit log." },
      },
    },
  },
};
