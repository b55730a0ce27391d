import { sql } from "drizzle-orm";
import { insertAuditEvent, insertRetryableAuditEvent, writeOutcome } from "../db/query/audit.ts";
import { changesBetween } from "../db/query/audit-changes.ts";
import { authenticated, authenticatedRetryable } from "../db/query/authenticated.ts";
import {
  callerId,
  callerRecheck,
  callerSteps,
  isStillAccepted,
  refusalAfterWait,
  refusalColumn,
} from "../db/query/caller.ts";
import {
  createOrReplay,
  createResultColumns,
  earlierKeySteps,
  hasResult,
  idempotentCreate,
  isNewResult,
  resultSteps,
} from "../db/query/idempotent-create.ts";
import { isoTimestamp, jsonObject, stepJson } from "../db/query/json.ts";
import { defineList } from "../db/query/list.ts";
import { type OpenAppointments, openAppointmentsColumn } from "../db/query/open-appointments.ts";
import { can } from "../db/query/permissions.ts";
import { intParam, type Json, param } from "../db/statement.ts";
import type { Absence } from "./responses.ts";

// When a doctor does not work, whatever the hours say. In every statement the absence is `b`, its doctor `d`.

const id = intParam("id");
const [startsAt, endsAt] = [
  sql`${param("starts_at")}::timestamptz(3)`,
  sql`${param("ends_at")}::timestamptz(3)`,
];
const existing = sql`${param("existing")}::text`;

const absenceJson = sql`${jsonObject(sql`b.id, b.doctor_id AS doctor, ${isoTimestamp("b.starts_at")} AS starts_at,
      ${isoTimestamp("b.ends_at")} AS ends_at, b.created_by, ${isoTimestamp("b.created_at")} AS created_at`)}::text`;

/** The period of an absence, for the audit log. */
const periodColumns = sql`${isoTimestamp("b.starts_at")} AS starts_at, ${isoTimestamp("b.ends_at")} AS ends_at`;

/** The absences of a doctor in order of time. Not audited: like the doctor, they are part of a directory. */
export const listAbsences = defineList<Absence>({
  name: "schedules/list-absences",
  routes: "GET /api/doctors/:id/absences",
  alias: "b",
  json: absenceJson,
  filters: {},
  // Every list has the order `id` when the request names none.
  sorts: {
    id: {
      order: ["b.starts_at", "b.id"],
      scans: [{ from: sql`absences b`, equals: [["b.doctor_id", id]] }],
    },
  },
  directions: [""],
  isAllowed: sql`EXISTS (SELECT FROM doctors d WHERE d.id = ${id} AND ${can("doctors:read")})`,
});

/** Reads an absence. Not audited, like the list. */
export const findAbsence = authenticatedRetryable<{ body: Json<Absence> | null }, { id: number }>(
  "schedules/find-absence",
  () => sql`-- GET /api/absences/:id
  WITH ${callerSteps},
  found AS (
    SELECT ${absenceJson} AS body
    FROM absences b JOIN doctors d ON d.id = b.doctor_id
    WHERE b.id = ${id} AND ${can("doctors:read")}
  )
SELECT ${refusalColumn}, (SELECT body FROM found) AS body
FROM token_account`,
);

/** Whether a booked appointment in the time of the absence is not the caller's to cancel. */
const isUncancellable = sql`(${existing} = 'cancel' AND EXISTS (
      SELECT FROM booked a WHERE NOT ${can("appointments:cancel_for_absence")}
    ))`;
const isInTheWay = sql`(${existing} = 'refuse' AND EXISTS (SELECT FROM booked))`;

/**
 * Creates an absence, at most once for each idempotency key. Appointments that are booked in that time are in the way, stay,
 * or are cancelled, as `existing` says. Nothing is done when one of them is not the caller's to cancel.
 *
 * `booked_appointments` waits for bookings with the doctor, and then sees what they have booked. So it is called also when
 * they stay: a booking sees the absence, or the absence the booking.
 */
export const createAbsence = idempotentCreate<
  Absence,
  { id: number; starts_at: string; ends_at: string; existing: "refuse" | "keep" | "cancel" },
  {
    isFound: boolean;
    canChange: boolean;
    isUncancellable: boolean;
    openAppointments: OpenAppointments | null;
  }
>(
  "schedules/create-absence",
  () => sql`-- POST /api/doctors/:id/absences
  WITH ${callerSteps},
  ${earlierKeySteps(
    // A moment is the same however its offset is written.
    sql`concat_ws(' ', 'absences', ${id}, extract(epoch FROM ${startsAt}), extract(epoch FROM ${endsAt}), ${existing})`,
    sql`EXISTS (SELECT FROM absences b WHERE b.id = k.record_id)`,
  )},
  doctor AS (
    SELECT d.id, ${can("schedules:change")} AS can_change
    FROM doctors d
    WHERE d.id = ${id} AND ${can("doctors:read")} AND ${callerId} IS NOT NULL AND NOT EXISTS (SELECT FROM earlier_key)
    FOR KEY SHARE
  ),
  booked AS (
    SELECT a.* FROM doctor, booked_appointments(doctor.id, tstzrange(${startsAt}, ${endsAt})) a WHERE doctor.can_change
  ),
  ${callerRecheck("caller", "earlier_key", "doctor", "booked")},
  draft AS (
    SELECT nextval('absences_id_seq')::int AS id, doctor.id AS doctor_id, ${startsAt} AS starts_at, ${endsAt} AS ends_at,
      caller.id AS created_by, now()::timestamptz(3) AS created_at
    FROM doctor, caller
    WHERE doctor.can_change AND ${isStillAccepted} AND NOT ${isInTheWay} AND NOT ${isUncancellable}
  ),
  response AS (SELECT b.id AS record_id, ${absenceJson} AS answer FROM draft b),
  ${resultSteps},
  cancelled AS (
    SELECT a.id, a.patient_id FROM cancel_appointments(
      CASE WHEN ${existing} = 'cancel' AND ${isNewResult} THEN ARRAY(SELECT id FROM booked) END, 'The doctor is absent.') a
  ),
  created AS (
    INSERT INTO absences (id, doctor_id, starts_at, ends_at, created_by, created_at) OVERRIDING SYSTEM VALUE
    SELECT id, doctor_id, starts_at, ends_at, created_by, created_at
    FROM draft, (SELECT count(*) FROM cancelled) cancelled
    WHERE ${isNewResult}
  ),
  ${insertRetryableAuditEvent({
    action: createOrReplay("absence"),
    outcome: writeOutcome(
      sql`EXISTS (SELECT FROM doctor) OR EXISTS (SELECT FROM result) OR NOT ${isStillAccepted}`,
      hasResult,
    ),
    patients: sql`(SELECT array_agg(DISTINCT patient_id ORDER BY patient_id) FROM cancelled)`,
    doctor: id,
    changes: sql`(
      SELECT ${changesBetween(
        sql`json_build_object('appointments', (SELECT coalesce(json_agg(id ORDER BY id), '[]') FROM cancelled))`,
        stepJson(sql`${periodColumns}, '[]'::json AS appointments`, "draft b"),
      )} FROM result WHERE is_new
    )`,
  })}
SELECT ${refusalAfterWait("caller")}, ${createResultColumns}, EXISTS (SELECT FROM doctor) AS "isFound",
  EXISTS (SELECT FROM doctor WHERE can_change) AS "canChange", ${isUncancellable} AS "isUncancellable",
  ${openAppointmentsColumn("booked")}
FROM token_account`,
);

/**
 * Deletes an absence. `canChange` is null when the absence does not exist. Of two requests at once, one deletes it.
 * Nothing else waits: a booking finds the time free, or not yet.
 */
export const deleteAbsence = authenticated<{ canChange: boolean | null; isDeleted: boolean }, { id: number }>(
  "schedules/delete-absence",
  () => sql`-- DELETE /api/absences/:id
  WITH ${callerSteps},
  target AS (
    SELECT b.*, ${can("schedules:change")} AS can_change
    FROM absences b JOIN doctors d ON d.id = b.doctor_id
    WHERE b.id = ${id} AND ${callerId} IS NOT NULL
  ),
  ${callerRecheck("caller")},
  deleted AS (
    DELETE FROM absences b USING target
    WHERE b.id = target.id AND target.can_change AND ${isStillAccepted}
    RETURNING b.*
  ),
  ${insertAuditEvent({
    action: "absence",
    outcome: writeOutcome(sql`EXISTS (SELECT FROM target)`, sql`EXISTS (SELECT FROM deleted)`),
    doctor: sql`(SELECT doctor_id FROM target)`,
    changes: sql`(SELECT ${changesBetween(stepJson(periodColumns, "deleted b"), sql`NULL`)} FROM deleted)`,
  })}
SELECT ${refusalAfterWait("caller")}, (SELECT can_change FROM target) AS "canChange", EXISTS (SELECT FROM deleted) AS "isDeleted"
FROM token_account`,
);
