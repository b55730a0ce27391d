import { pageWords } from "../../openapi/records.ts";
import { describeParameters, describeSchema, type OpenApiGroup } from "../http/openapi.ts";
import { PatientAuditQuery } from "../patients/requests.ts";
import { PatientAccess, PatientChange } from "../patients/responses.ts";
import { AuditQuery } from "./requests.ts";
import { ListedAuditEvent } from "./responses.ts";

const actions =
  "`list`, `read`, `create`, `replay` (an earlier answer was given again), `update`, `delete`, `restore`, `transfer`, `break_glass`, `assign`, `unassign`, `export`, `import`, `history`, `accesses`, `audit`, `register`, `login`, `logout`, `refresh`, `change_password`, `invite`, `list_invitations`, `withdraw_invitation`, `list_accounts`, `read_account`, `update_account`, `sign_out`; and by operators `purge`, `admin`, `clinician`, `disable`, `enable`, `sign-out`";
const fields = {
  id: "The event's id.",
  at: "When it was, in UTC, to the millisecond, by the database's clock.",
  account:
    "Who did it, as it was called then, with the role that it had then. `null` when nobody was logged in, or an operator did it.",
  action: `What was done, or asked for: ${actions}.`,
  outcome:
    "How it ended: `done`; `not_found` when there is no such record for the account; `refused` when it may not, or what it asked for was not to be had.",
  address: "The client's network address; `null` when an operator did it.",
  request_id: "The id of the request, as its answer had it; `null` when an operator did it.",
  changes: "Of a change: what each field was before, and is after. Left out when nothing changed.",
  reason: "Why, where a reason was asked for.",
};
const changes = { age: { before: 85, after: 86 } };
const at = "2026-12-09T08:30:00.417Z";
const ada = { id: 12, username: "ada" };
const event = {
  id: 90_210,
  at,
  account: { ...ada, role: "clinician" as const },
  action: "update",
  outcome: "done" as const,
  address: "203.0.113.7",
  request_id: "6f1c2f0e-5d3b-4c59-9a55-2b8f3a1f7f10",
  changes,
};
const { limit, cursor } = pageWords;
const notThere = { when: "You may read no such patient.", detail: "There is no such patient." };

/** What the record says of one patient, to those who may read it. */
export const recordOfPatient: OpenApiGroup["operations"] = {
  "GET /api/patients/:id/history": {
    operationId: "listPatientHistory",
    summary: "List a patient's changes",
    description:
      "What has changed a patient that you may read, whose it is or who looks after it, the newest first. Of a deleted patient of yours too. That you read it is on record itself.",
    answers: [{ status: 200, description: "A page of changes.", schema: PatientChange, list: true }],
    problems: { 404: notThere },
  },
  "GET /api/patients/:id/accesses": {
    operationId: "listPatientAccesses",
    summary: "List who looked at a patient",
    description:
      "Everybody who looked at a patient that you may read or changed it, or tried to, the newest first. Of a deleted patient of yours too. That you read it is on record itself.",
    answers: [{ status: 200, description: "A page of accesses.", schema: PatientAccess, list: true }],
    problems: { 404: notThere },
  },
};
export const recordParameters = describeParameters(PatientAuditQuery, { limit, cursor });
export const recordSchemas: OpenApiGroup["schemas"] = {
  Change: describeSchema(PatientChange, {
    description: "A change of a patient.",
    fields: {
      id: fields.id,
      at: fields.at,
      account: "Who did it, as it was called then; `null` when an operator did it.",
      action: fields.action,
      changes:
        "What each field was before, and is after; empty when all of the patient was hidden, brought back or imported.",
    },
    example: { id: 90_210, at, account: ada, action: "update", changes },
  }),
  Access: describeSchema(PatientAccess, { description: "An access to a patient.", fields, example: event }),
};

/** The record, for admins. */
export const auditOpenApi: OpenApiGroup = {
  tag: { name: "Record", description: "Who did what with whose data. For admins." },
  parameters: [
    describeParameters(AuditQuery, {
      limit,
      cursor,
      account: { description: "Only what this account did, by its id." },
      patient: { description: "Only what names this patient, by its id." },
      action: { description: `Only this action: ${actions}.` },
      outcome: { description: "Only what ended so." },
      from: { description: "Only since this moment, in UTC." },
      to: { description: "Only before this moment, in UTC." },
    }),
  ],
  schemas: {
    AuditEvent: describeSchema(ListedAuditEvent, {
      description: "An event of the record.",
      fields: {
        ...fields,
        patients:
          "The ids of all patients whose data it was. Left out of events about a doctor or an account.",
        doctor: "The id of the doctor who was changed.",
        subject: "The id of the account that was changed.",
      },
      example: { ...event, patients: [7] },
    }),
  },
  operations: {
    "GET /api/audit": {
      operationId: "listRecord",
      summary: "List what is on record",
      description:
        "The record, the newest first. The filters combine. For admins; that it was read is on record itself.",
      answers: [{ status: 200, description: "A page of events.", schema: ListedAuditEvent, list: true }],
      problems: {
        403: { when: "You are no admin.", detail: "Only an admin may read the audit log." },
      },
    },
  },
};
