import { sql } from "drizzle-orm";
import {
  allEvents,
  defineEventList,
  eventJson,
  eventsByColumn,
  eventsOfPatient,
} from "../db/query/steps/audit-list.ts";
import { adminOutcome } from "../db/query/steps/caller.ts";
import { can } from "../db/query/steps/permissions.ts";
import { intParam, param } from "../db/query/steps/statement.ts";
import { audit_events } from "../db/schema.ts";
import type { ListedAuditEvent } from "./responses.ts";

const account = intParam("account");
const patient = intParam("patient");
const action = sql`${param("action")}::text`;
const outcome = sql`${param("outcome")}::text`;

/** Whose data was accessed: an account, a doctor, or else patients. */
const subjects = sql`CASE
  WHEN ${audit_events.subject_id} IS NOT NULL THEN '"subject":' || ${audit_events.subject_id}
  WHEN ${audit_events.doctor_id} IS NOT NULL THEN '"doctor":' || ${audit_events.doctor_id}
  ELSE '"patients":' || array_to_json(coalesce(${audit_events.patients}, '{}')) END`;

/**
 * The audit log, for admins. One filter is answered by its index, the others are applied to the events that it finds.
 */
export const listAuditEvents = defineEventList<ListedAuditEvent>(() => ({
  json: eventJson(subjects),
  scan: allEvents,
  // The first filter in use is answered by its index: they stand in order from the one that finds fewest events.
  filters: {
    patient: sql`${audit_events.patients} @> ARRAY[${patient}]`,
    account: sql`${audit_events.account_id} = ${account}`,
    action: sql`${audit_events.action} = ${action}`,
    outcome: sql`${audit_events.outcome} = ${outcome}`,
  },
  filterIndexes: {
    "patient at": eventsOfPatient(patient),
    "account at": eventsByColumn("account_id", account),
    "action at": eventsByColumn("action", action),
    "outcome at": eventsByColumn("outcome", outcome),
  },
  timeRange: { fromParam: "from", toParam: "to" },
  isAllowed: can("audit_log:read"),
  auditEvent: (filters) => ({
    action: "audit",
    outcome: adminOutcome(sql`'done'`),
    // The patients whose values before and after a change are shown, and the one that was asked for.
    patients: sql`ARRAY(
      SELECT patient FROM page, unnest(page.patients) patient WHERE page.changes IS NOT NULL
      UNION SELECT ${filters.includes("patient") ? patient : sql`NULL::int WHERE false`} ORDER BY 1)`,
  }),
}));
