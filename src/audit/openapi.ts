import { auditActionsText, auditEventFieldTexts, exampleAuditEvent } from "../http/audit-event-openapi.ts";
import { pageParameterTexts } from "../http/common-openapi.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { AuditQuery } from "./requests.ts";
import { ListedAuditEvent } from "./responses.ts";

const { changes: _, ...exampleEvent } = exampleAuditEvent;

export const auditOpenApi: OpenApiGroup = {
  tag: { name: "Audit log", description: "For admins and auditors: who did what with whose data." },
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
        changes:
          "For a change of an account, a doctor or an invitation: the value of each changed field before and after. Left out if no field changed.",
        changed_fields:
          "For a change of a patient: the names of the changed fields. Their values are in the patient's history, for those who can read the patient.",
        patients:
          "The ids of all patients whose data was read or changed; when an account was linked to a doctor, of that doctor's patients at that time. Left out of other events about a doctor or an account.",
        doctor: "The id of the doctor that was changed.",
        subject: "The id of the account that was changed.",
      },
      example: { ...exampleEvent, patients: [7], changed_fields: ["age"] },
    }),
  },
  operations: {
    "GET /api/audit": {
      operationId: "listRecord",
      summary: "List audit events",
      description:
        "For admins and auditors. Returns a page of the audit log, newest first. Of changes of patients it has the names of the changed fields and no values. Filters can be combined. Reading the audit log is audited too.",
      responses: [{ status: 200, description: "A page of events.", schema: ListedAuditEvent, list: true }],
      problems: {
        403: {
          description: "You are neither an admin nor an auditor.",
          detail: "Only an admin or an auditor may read the audit log.",
        },
      },
    },
  },
};
