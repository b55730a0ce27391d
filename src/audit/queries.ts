import { sql } from "drizzle-orm";
import { permittedOutcome } from "../db/query/audit.ts";
import { allEvents, defineEventList, eventJson, eventsBy, eventsOfPatient } from "../db/query/audit-list.ts";
import type { Caller } from "../db/query/caller.ts";
import { jsonObject, selectColumns } from "../db/query/json.ts";
import { defineList, type PageRequest } from "../db/query/list.ts";
import { can } from "../db/query/permissions.ts";
import { intParam, param } from "../db/statement.ts";
import type { AuditDigest, ListedAuditEvent } from "./responses.ts";

const [account, patient] = [intParam("account"), intParam("patient")];
const action = sql`${param("action")}::text`;
const outcome = sql`${param("outcome")}::text`;

/**
 * Whose data was accessed: an account, a patient, a doctor, or else patients. The event of a link of an account to a doctor has
 * the doctor's patients too, and so has one about patients of a doctor. That of an appointment has its patient only: which doctor a
 * patient has is a value of the patient.
 */
const subjects = sql`CASE
        WHEN e.subject_id IS NOT NULL THEN concat_ws(',', '"subject":' || e.subject_id,
          '"patients":' || array_to_json(e.patients))
        WHEN e.patient_id IS NOT NULL THEN '"patients":[' || e.patient_id || ']'
        WHEN e.doctor_id IS NOT NULL THEN concat_ws(',', '"doctor":' || e.doctor_id,
          '"patients":' || array_to_json(e.patients))
        ELSE '"patients":' || array_to_json(coalesce(e.patients, '{}')) END`;

/**
 * Whether the changed values are those of an account, a doctor, an invitation or a clinic. All others are values of
 * patients, also those of an appointment, whose event names its doctor: a new kind of event is treated as one until it
 * is listed here.
 */
const hasOpenValues = sql`(e.subject_id IS NOT NULL OR e.doctor_id IS NOT NULL AND e.patient_id IS NULL
        OR e.action IN ('invite', 'withdraw_invitation', 'create_clinic', 'update_clinic', 'delete_clinic', 'read_clinic', 'list_members',
          'add_member', 'update_member', 'end_member'))`;

/**
 * What was changed: of patients only the names of the fields, in their order. Their values are in the history of each
 * patient, for those who may read the patient: who reads the audit log need not give a reason.
 */
const changed = sql`CASE
        WHEN ${hasOpenValues} THEN '"changes":' || e.changes::text
        ELSE '"changed_fields":[' || (
          SELECT string_agg(to_json(key)::text, ',' ORDER BY n)
          FROM json_object_keys(e.changes) WITH ORDINALITY fields (key, n)
        ) || ']' END`;

/**
 * The audit log, for admins and auditors. One filter is answered by its index, the others are applied to the events
 * that it finds.
 */
export const listAuditEvents = defineEventList<ListedAuditEvent>({
  name: "audit/list",
  routes: "GET /api/audit",
  json: eventJson({ subjects, changed }),
  // The first filter in use is answered by its index: they stand in order from the one that finds fewest events.
  filters: {
    patient: sql`(${patient} IS NULL OR e.patient_id = ${patient} OR e.patients @> ARRAY[${patient}])`,
    account: sql`(${account} IS NULL OR e.account_id = ${account})`,
    action: sql`(${action} IS NULL OR e.action = ${action})`,
    outcome: sql`(${outcome} IS NULL OR e.outcome = ${outcome})`,
  },
  scans: {
    all: [allEvents],
    patient: eventsOfPatient(patient),
    account: [eventsBy("account_id", account)],
    action: [eventsBy("action", action)],
    outcome: [eventsBy("outcome", outcome)],
  },
  timeRange: { fromParam: "from", toParam: "to" },
  isAllowed: can("audit_log:read"),
  acceptsAuditors: true,
  auditEvent: {
    columns: {
      action: "audit",
      outcome: permittedOutcome(can("audit_log:read")),
      // The patients of whom it is shown what was changed, and the one that was asked for.
      patients: sql`ARRAY(
        SELECT patient_id FROM page WHERE changes IS NOT NULL AND patient_id IS NOT NULL
        UNION SELECT patient FROM page, unnest(patients) patient WHERE changes IS NOT NULL AND subject_id IS NULL
        UNION SELECT ${patient} WHERE ${patient} IS NOT NULL ORDER BY 1)`,
    },
  },
});

const digestFields: (keyof AuditDigest)[] = [
  "day",
  "events",
  "first_id",
  "last_id",
  "sha256",
  "hmac",
  "closed_at",
];

const readDigestPage = defineList<AuditDigest>({
  name: "audit/list-digests",
  routes: "GET /api/audit/digests",
  alias: "ad",
  json: sql`${jsonObject(selectColumns("ad", digestFields))}::text`,
  filters: {},
  sorts: { id: { order: ["ad.id"], scans: [{ from: sql`audit_digests ad` }] } },
  directions: ["-"],
  isAllowed: can("audit_log:read"),
  acceptsAuditors: true,
  auditEvent: { columns: { action: "list_audit_digests", outcome: permittedOutcome(can("audit_log:read")) } },
});

/** The digests of the closed days, the newest first, for admins and auditors. */
export const listAuditDigests = (caller: Caller, page: PageRequest) =>
  readDigestPage(caller, { ...page, sort: "-id" });
