import { sql } from "drizzle-orm";
import { allEvents, defineEventList, eventJson, eventsBy, eventsOfPatient } from "../db/query/audit-list.ts";
import { adminOutcome, type Caller } from "../db/query/caller.ts";
import { jsonObject, selectColumns } from "../db/query/json.ts";
import { defineList, type PageRequest } from "../db/query/list.ts";
import { can } from "../db/query/permissions.ts";
import { intParam, param } from "../db/statement.ts";
import type { AuditDigest, ListedAuditEvent } from "./responses.ts";

const [account, patient] = [intParam("account"), intParam("patient")];
const action = sql`${param("action")}::text`;
const outcome = sql`${param("outcome")}::text`;

/** Whose data was accessed: an account, a doctor, or else patients. */
const subjects = sql`CASE
        WHEN e.subject_id IS NOT NULL THEN '"subject":' || e.subject_id
        WHEN e.doctor_id IS NOT NULL THEN '"doctor":' || e.doctor_id
        WHEN e.patient_id IS NOT NULL THEN '"patients":[' || e.patient_id || ']'
        ELSE '"patients":' || array_to_json(coalesce(e.patients, '{}')) END`;

/**
 * The audit log, for admins. One filter is answered by its index, the others are applied to the events that it finds.
 */
export const listAuditEvents = defineEventList<ListedAuditEvent>({
  name: "audit/list",
  routes: "GET /api/audit",
  json: eventJson(subjects),
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
  auditEvent: {
    columns: {
      action: "audit",
      outcome: adminOutcome(),
      // The patients whose values before and after a change are shown, and the one that was asked for.
      patients: sql`ARRAY(
        SELECT patient_id FROM page WHERE changes IS NOT NULL AND patient_id IS NOT NULL
        UNION SELECT patient FROM page, unnest(patients) patient WHERE changes IS NOT NULL
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
  auditEvent: { columns: { action: "list_audit_digests", outcome: adminOutcome() } },
});

/** The digests of the closed days, the newest first, for admins. */
export const listAuditDigests = (caller: Caller, page: PageRequest) =>
  readDigestPage(caller, { ...page, sort: "-id" });
