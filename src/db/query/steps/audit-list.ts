import { type SQL, sql } from "drizzle-orm";
import { isOneOf } from "../../columns.ts";
import { audit_events, patientChangeActions } from "../../schema.ts";
import type { Caller } from "./caller.ts";
import type { IndexScan } from "./index-scan.ts";
import { isoTimestamp, jsonObject } from "./json.ts";
import { defineList, type ListDefinition, type PageRequest } from "./list.ts";

// Lists of audit events: of one patient (src/patients/) and of all (src/audit/).

const order: IndexScan["order"] = [audit_events.at, audit_events.id];

/** All audit events, by time. */
export const allEvents: IndexScan = { table: audit_events, order };

/**
 * The audit events with one value of an indexed column, by time. The value is a subquery, so that the planner does
 * not know it: if it did, it could expect few events and sort them.
 */
export const eventsByColumn = (column: "account_id" | "action" | "outcome", value: SQL): IndexScan => ({
  table: audit_events,
  equals: [[audit_events[column], sql`(SELECT ${value})`]],
  order,
});

/**
 * The audit events that name a patient, found by the GIN index of `patients` and then sorted by time: a GIN index has
 * no order. `OFFSET 0` makes the planner plan the subquery by itself: with other conditions in it, it may choose
 * their index if it expects most events to name this patient. Shown by test/db/audit-log-plans.test.ts.
 */
export const eventsOfPatient = (patient: SQL, condition?: SQL): IndexScan => ({
  table: audit_events,
  subquery: sql`(
    SELECT * FROM ${audit_events} WHERE ${audit_events.patients} @> ARRAY[${patient}] ${condition} OFFSET 0) ${audit_events}`,
  order,
});

/** The audit events that changed a patient. They have an index of their own. */
export const changesOfPatient = (patient: SQL): IndexScan =>
  eventsOfPatient(
    patient,
    sql`AND ${isOneOf(audit_events.action, patientChangeActions)} AND ${audit_events.outcome} IS NOT DISTINCT FROM 'done'`,
  );

/** A list of audit events: how they are found, and the rest as for `defineList`. */
interface EventListDefinition extends Omit<ListDefinition, "table" | "sorts" | "filters"> {
  scan: IndexScan;
  filters?: ListDefinition["filters"];
}

/** Defines a list of audit events, newest first. See `defineList`. */
export function defineEventList<Shape>(describe: () => EventListDefinition) {
  const readPage = defineList<Shape>(() => {
    const { scan, filters = {}, ...rest } = describe();
    return { table: audit_events, sorts: { at: scan }, filters, ...rest };
  });
  return (caller: Caller, page: PageRequest) => readPage(caller, { ...page, sort: "-at" });
}

const { id, at, account_id, username, role, action, outcome, address, request_id, changes, reason } =
  audit_events;
const eventIdAndTime = sql`${id}, ${isoTimestamp(at)} AS at`;
const accountJson = (columns: SQL) =>
  sql`CASE WHEN ${account_id} IS NOT NULL THEN ${jsonObject(sql`${account_id} AS id, ${columns}`)} END AS account`;

/** A change of a patient as JSON text, as the patient's owner sees it. */
export const changeJson = sql`${jsonObject(sql`
  ${eventIdAndTime}, ${accountJson(sql`${username}`)}, ${action}, coalesce(${changes}, '{}') AS changes`)}::text`;

/** The fields of a JSON object without its braces. */
const objectFields = (columns: SQL): SQL => sql`left(substr(${jsonObject(columns)}::text, 2), -1)`;

/**
 * An audit event as JSON text, without the fields that are NULL.
 *
 * @param subjects one more field that says whose data was accessed, as JSON text: `"patients":[1,2]`.
 */
export const eventJson = (subjects = sql`NULL`): SQL => sql`'{' || concat_ws(',',
  ${objectFields(sql`${eventIdAndTime}, ${accountJson(sql`${username}, ${role}`)}, ${action}`)},
  ${subjects},
  ${objectFields(sql`${outcome}, ${address}, ${request_id}`)},
  '"changes":' || ${changes}::text, '"reason":' || to_json(${reason})::text) || '}'`;
