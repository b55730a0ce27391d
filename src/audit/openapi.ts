import { auditEventFieldTexts, exampleAuditEvent } from "../http/audit-event-openapi.ts";
import { pageParameterTexts } from "../http/common-openapi.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { AuditQuery, DigestsQuery } from "./requests.ts";
import { AuditDigest, ListedAuditEvent } from "./responses.ts";

const notPermitted = {
  description: "You are neither an admin nor an auditor.",
  detail: "Only an admin or an auditor may read the audit log.",
  codes: ["admin_or_auditor_required"],
} as const;

const { changes: _, ...exampleEvent } = exampleAuditEvent;

export const auditOpenApi: OpenApiGroup = {
  tag: { name: "Audit log", description: "For admins and auditors: who did what with whose data." },
  parameters: [
    describeParameters(AuditQuery, {
      limit: pageParameterTexts.limit,
      cursor: pageParameterTexts.cursor,
      account: { description: "Only events of this account, by its id." },
      patient: { description: "Only events that concern this patient, by its id." },
      action: { description: "Only events with this action." },
      outcome: { description: "Only events with this outcome." },
      from: { description: "Only events at or after this UTC timestamp." },
      to: { description: "Only events before this UTC timestamp." },
    }),
    describeParameters(DigestsQuery, {
      limit: pageParameterTexts.limit,
      cursor: pageParameterTexts.cursor,
    }),
  ],
  schemas: {
    AuditDigest: describeSchema(AuditDigest, {
      description: "The digest of a day of the audit log.",
      fields: {
        day: "The day, in UTC.",
        events: "The number of its events.",
        first_id: "The id of its first event. Null on a day without events.",
        last_id: "The id of its last event. Null on a day without events.",
        sha256: "The hash of all its events, in hexadecimal.",
        hmac: "A signature of the other fields and of the digest of the day before, by a key that the database does not have.",
        closed_at: "When it was computed.",
      },
      example: {
        day: "2026-11-26",
        events: 2048,
        first_id: 10001,
        last_id: 12048,
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        hmac: "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
        closed_at: "2026-11-27T00:17:02.345Z",
      },
    }),
    AuditEvent: describeSchema(ListedAuditEvent, {
      description: "An event of the audit log.",
      fields: {
        ...auditEventFieldTexts,
        changes:
          "For a change of an account, a doctor or an invitation: the value of each changed field before and after. Left out if no field changed.",
        changed_fields:
          "For a change of a patient or of an appointment: the names of the changed fields. Their values are in the patient's history, for those who can read the patient.",
        patients:
          "The ids of all patients whose data was read or changed; when an account was linked to a doctor, of that doctor's patients at that time. Left out of events about a doctor or an account that are about no patient.",
        doctor: "The id of the doctor that was changed, or whose patients were.",
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
        403: notPermitted,
      },
    },
    "GET /api/audit/digests": {
      operationId: "listAuditDigests",
      summary: "List the digests of the audit log",
      description:
        "For admins and auditors. Returns a page of the digests of the finished days in UTC, newest first. By them an operator finds out whether events of a day were changed, removed or added later. Store them where the owner of the database cannot change them.",
      responses: [{ status: 200, description: "A page of digests.", schema: AuditDigest, list: true }],
      problems: { 403: notPermitted },
    },
  },
};
