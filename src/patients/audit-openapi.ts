import { auditEventFieldTexts, exampleAuditEvent } from "../http/audit-event-openapi.ts";
import { mergedProblem, pageParameterTexts } from "../http/common-openapi.ts";
import { type DescribedRoutes, describeParameters, describeSchema } from "../http/openapi.ts";
import { PatientAuditQuery } from "./requests.ts";
import { PatientAccess, PatientChange } from "./responses.ts";

const notFound = {
  description: "There is no patient with this id that you can read.",
  detail: "There is no such patient.",
};
const { id, at, account, action, changes } = exampleAuditEvent;

/** The audit events of one patient, for those who can read the patient. */
export const patientAuditOpenApi: DescribedRoutes = {
  parameters: [
    describeParameters(PatientAuditQuery, {
      limit: pageParameterTexts.limit,
      cursor: pageParameterTexts.cursor,
    }),
  ],
  schemas: {
    Change: describeSchema(PatientChange, {
      description: "A change of a patient: of its fields, its owner or its doctors.",
      fields: {
        id: auditEventFieldTexts.id,
        at: auditEventFieldTexts.at,
        account:
          "The account that did it, with the username that it had at that time; `null` if an operator did it.",
        action: auditEventFieldTexts.action,
        changes:
          "The value of each changed field before and after; empty if the whole patient was deleted, restored or imported. A merge shows what it changed of the survivor, and `merged_into` in the history of the other patient, when it was undone.",
      },
      example: { id, at, account: { id: account.id, username: account.username }, action, changes },
    }),
    Access: describeSchema(PatientAccess, {
      description: "An access to a patient, or an attempt.",
      fields: {
        ...auditEventFieldTexts,
        subject: "The id of the account that was linked to a doctor of this patient, and can read it since.",
      },
      example: exampleAuditEvent,
    }),
  },
  operations: {
    "GET /api/patients/:id/history": {
      operationId: "listPatientHistory",
      summary: "List a patient's changes",
      description:
        "Returns a page of the changes of a patient that you can read: of its fields, its owner and its doctors, newest first. Also for a deleted patient of yours. Reading the history is audited too.",
      responses: [{ status: 200, description: "A page of changes.", schema: PatientChange, list: true }],
      problems: { 404: notFound, 410: mergedProblem },
    },
    "GET /api/patients/:id/accesses": {
      operationId: "listPatientAccesses",
      summary: "List who accessed a patient",
      description:
        "Returns a page of the audit events of a patient that you can read: who read it or changed it, or tried to, newest first. Also for a deleted patient of yours. Reading this list is audited too.",
      responses: [{ status: 200, description: "A page of accesses.", schema: PatientAccess, list: true }],
      problems: { 404: notFound, 410: mergedProblem },
    },
  },
};
