import { type SQL, sql } from "drizzle-orm";
import { changesOfFields } from "../db/query/audit-changes.ts";
import { callerClinicId, callerDoctorId } from "../db/query/caller.ts";
import { jsonText } from "../db/query/json.ts";
import { can } from "../db/query/permissions.ts";
import { hasChange, sentChanges, versionTag } from "../db/query/resource.ts";
import type { AppointmentRule } from "../db/schema/codes.ts";
import { appointments } from "../db/schema.ts";
import { intParam } from "../db/statement.ts";

// What the statements of appointments have in common. In every statement the appointment is `a`.

export const id = intParam("id");

const responseFields = [
  ...["id", "patient", "doctor", "starts_at", "ends_at", "day", "time_zone", "status"],
  ...["note", "cancel_reason", "override_reason", "created_by", "created_at", "updated_at", "version"],
];

/** The appointment `a` as JSON text, as responses have it. */
export const appointmentJson = jsonText(appointments, "a", responseFields, {
  computed: { patient: sql`a.patient_id`, doctor: sql`a.doctor_id` },
});

/**
 * Of the appointment with the id in the path, for the audit event: any attempt is audited with its patient and its
 * doctor.
 */
export const patientOfAppointment = sql`(SELECT a.patient_id FROM appointments a WHERE a.id = ${id})`;
export const doctorOfAppointment = sql`(SELECT a.doctor_id FROM appointments a WHERE a.id = ${id})`;

/**
 * What the audit log says of a change. The texts are masked: they are about the patient, and the audit log is read by more
 * people.
 *
 * @param before the step with the row before; undefined for a new one.
 */
export function appointmentChanges(before: string | undefined, after: string): SQL {
  const names = ["starts_at", "ends_at", "status", "note", "cancel_reason", "override_reason"];
  if (!before) return changesOfFields(appointments, names, before, after);
  const [old, now] = [sql.raw(`${before}.doctor_id`), sql.raw(`${after}.doctor_id`)];
  const more = sql`CASE WHEN ${old} <> ${now} THEN concat('"doctor":{"before":', ${old}, ',"after":', ${now}, '}') END`;
  return changesOfFields(appointments, names, before, after, { more });
}

/**
 * Whether the caller may book with the doctor `d` although the day is full, the doctor absent or the time outside the hours:
 * a manager of the patient's clinic, and the doctor's own account.
 *
 * @param owner the clinic of the patient.
 */
export const canOverride = (owner: SQL): SQL =>
  sql`(${can("appointments:override")} AND (${owner} = ${callerClinicId} OR d.id = ${callerDoctorId})) IS TRUE`;

/** The earliest moment of an appointment, and the latest. */
export const isPast = (startsAt: SQL): SQL => sql`${startsAt} < date_trunc('minute', now())`;
export const isTooFarAhead = (startsAt: SQL): SQL => sql`${startsAt} > now() + interval '366 days'`;

/** Why a doctor cannot be booked, or a time; the field of a request is `doctor` or `starts_at`. */
export interface RefusedFields {
  isDoctor: boolean;
  isActive: boolean;
  isAssigned: boolean;
  isPast: boolean;
  isTooFarAhead: boolean;
}

/** Which rules an appointment would break, and what is free instead; null when it breaks none, or they were not checked. */
export interface NotBookable {
  rules: AppointmentRule[];
  next_free: { starts_at: string; ends_at: string }[];
}

/** The column `notBookable`, from the step `checked`. */
export const notBookableColumn = sql`(
    SELECT json_build_object('rules', rules, 'next_free', next_free) FROM checked WHERE rules <> '{}'
  ) AS "notBookable"`;

// Of the statements that change an appointment, in the step `target`. Readers of the patient's clinic, and who has emergency
// access, see it but may not change it.

/** What the changes have for a field, as text; NULL for none. */
export const sent = (name: string): SQL => sql`(${sentChanges} ->> '${sql.raw(name)}')`;
/** The note of `a` after the change. */
export const sentNote = sql`CASE WHEN ${hasChange("note")} THEN ${sent("note")} ELSE a.note END`;
export const isOwn = sql`a.owner_id = ${callerClinicId}`;
/** Not NULL for an account that is no doctor's own. */
export const canChange = sql`${can("appointments:change")} IS TRUE`;
/** The columns `etag` and `body` of `ChangedRecord`, from the step `changed`. */
export const changedColumns = sql`(SELECT ${versionTag("version")} FROM changed) AS etag,
  (SELECT ${appointmentJson} FROM changed a) AS body`;
