import { type SQL, sql } from "drizzle-orm";
import { patientChangeActions } from "../schema.ts";
import { intParam, param } from "../statement.ts";
import type { Caller } from "./caller.ts";
import { isoTimestamp, jsonObject } from "./json.ts";
import { defineList, type IndexScan, type ListDefinition, type PageRequest } from "./list.ts";

// Lists of audit events `e`, newest first: of one patient (src/patients/) and of all (src/audit/).

/** All audit events. */
export const allEvents: IndexScan = { from: sql`audit_events e` };

/** The audit events with one value of a column. */
export const eventsBy = (
  column: "account_id" | "action" | "outcome" | "patient_id",
  value: SQL,
  condition?: SQL,
): IndexScan => ({ ...allEvents, equals: [[`e.${column}`, value]], ...(condition && { condition }) });

/**
 * The audit events that name a patient: those of this patient alone, which an index holds in order, and those of several
 * patients. The latter are found by a GIN index, which has no order, and then sorted. `OFFSET 0` makes the planner plan
 * the subquery by itself: it would read the whole log in order otherwise, to avoid the sort.
 *
 * The events of patients that were merged into this one belong to it: of each, as many of the next are read as a page has.
 *
 * @param condition on the events: that they changed the patient.
 */
export const eventsOfPatient = (patient: SQL, condition?: SQL): IndexScan[] => [
  // The index is partial, and a comparison of rows does not tell the planner that the column is not NULL.
  eventsBy("patient_id", patient, sql`e.patient_id IS NOT NULL${condition && sql` AND ${condition}`}`),
  {
    from: sql`(
        SELECT e.* FROM audit_events e
        WHERE e.patients && (${patient} || merged_patients(${patient}))${condition && sql` AND ${condition}`}
        OFFSET 0
      ) e`,
  },
  {
    from: sql`(
        SELECT e.* FROM unnest(merged_patients(${patient})) merged (id), LATERAL (
          SELECT e.* FROM audit_events e
          WHERE e.patient_id IS NOT NULL${condition && sql` AND ${condition}`}
            AND (e.patient_id, e.at, e.id) < (merged.id, ${param("after_key")}::timestamptz, ${param("after_id")}::bigint)
            AND e.patient_id >= merged.id
          ORDER BY e.patient_id DESC, e.at DESC, e.id DESC LIMIT ${intParam("size")} + 1
        ) e
        OFFSET 0
      ) e`,
  },
];

/** Whether an event changed a patient. Such events have indexes of their own. */
export const isPatientChange = sql.raw(
  `e.action IN (${patientChangeActions.map((action) => `'${action}'`).join(", ")}) AND e.outcome = 'done'`,
);

/** A list of audit events by time: the scans by the name of the filter that they are for; the rest as `defineList`. */
interface EventListDefinition extends Omit<ListDefinition, "alias" | "sorts" | "filters"> {
  scans: { all: IndexScan[] } & Record<string, IndexScan[]>;
  filters?: ListDefinition["filters"];
}

/** Defines a list of audit events, newest first. See `defineList`. */
export function defineEventList<Shape>({ scans, filters = {}, ...list }: EventListDefinition) {
  const sorts = Object.entries(scans).map(([filter, of]) => [
    filter === "all" ? "at" : `${filter} at`,
    { order: ["e.at", "e.id"], scans: of },
  ]);
  const readPage = defineList<Shape>({
    ...list,
    alias: "e",
    directions: ["-"],
    filters,
    sorts: Object.fromEntries(sorts),
  });
  return (caller: Caller, page: PageRequest) => readPage(caller, { ...page, sort: "-at" });
}

const eventIdAndTime = sql`e.id,\n${isoTimestamp("e.at")} AS at`;
const accountJson = (columns: SQL) =>
  sql`CASE WHEN e.account_id IS NOT NULL THEN ${jsonObject(sql`e.account_id AS id, ${columns}`)} END AS account`;

/**
 * What an event changed, for the readers of one patient. A merge and its undoing changed the values of the survivor, which
 * comes second in `patients`: those who read the history of the merged patient get its id only, because they may not be
 * able to read the survivor.
 */
const changesOfPatient = (patient: SQL): SQL => sql`CASE
        WHEN e.action IN ('merge', 'unmerge') AND e.patients[1] = ${patient} THEN json_build_object('merged_into', json_build_object(
          'before', CASE e.action WHEN 'unmerge' THEN e.patients[2] END, 'after', CASE e.action WHEN 'merge' THEN e.patients[2] END))
        ELSE e.changes END`;

/** A change of a patient as JSON text, as the patient's owner sees it. */
export const changeJson = (patient: SQL): SQL =>
  sql`${jsonObject(sql`
      ${eventIdAndTime},
      ${accountJson(sql`e.username`)},
      e.action, coalesce(${changesOfPatient(patient)}, '{}') AS changes`)}::text`;

/** The fields of a JSON object without its braces. */
const objectFields = (columns: SQL): SQL => sql`left(substr(${jsonObject(columns)}::text, 2), -1)`;

/** What an audit event changed, for the readers of one patient. */
export const changedValuesOfPatient = (patient: SQL): SQL =>
  sql`'"changes":' || (${changesOfPatient(patient)})::text`;

/** The parts of an audit event's JSON text that differ between lists. */
interface EventJson {
  /** Fields that say whose data was accessed, as JSON text: `"patients":[1,2]`. */
  subjects: SQL;
  /** The field that says what was changed, as JSON text. */
  changed: SQL;
}

/** An audit event as JSON text, without the fields that are NULL. */
export const eventJson = ({ subjects, changed }: EventJson): SQL => sql`('{' || concat_ws(',',
      ${objectFields(sql`${eventIdAndTime},
      ${accountJson(sql`e.username, e.role`)},
      e.action`)},
${subjects},
      ${objectFields(sql`e.outcome, e.address, e.request_id`)},
      ${changed}, '"clinic":' || e.clinic_id, '"reason":' || to_json(e.reason)::text) || '}')`;
