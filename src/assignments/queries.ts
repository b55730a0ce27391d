import { type SQL, sql } from "drizzle-orm";
import { action, changesBetween, ended, outcomeOfReading, outcomeOfWriting } from "../db/query/audit.ts";
import { callerDoctor, framed, isRevoked, repeatable, stillAccepted } from "../db/query/caller.ts";
import { making, nextId } from "../db/query/idempotent-create.ts";
import { arrayOf, bodyOf, columnsOf, moment } from "../db/query/json.ts";
import { may } from "../db/query/permissions.ts";
import { doctors, mappings, patients } from "../db/schema.ts";
import { exists, type Json, value } from "../db/statement.ts";
import type { Assignment, DoctorsOfPatient, ListedAssignment } from "./responses.ts";

/** What an assignment shows of its patient and its doctor. */
const ofPatient: (keyof ListedAssignment["patient"])[] = [
  "id",
  "firstname",
  "lastname",
  "age",
  "gender",
  "created_by",
];
const ofDoctor: (keyof ListedAssignment["doctor"])[] = [
  "id",
  "firstname",
  "lastname",
  "specialization",
  "max_appointments_per_day",
  "gender",
  "active",
];
export const patientSummary = columnsOf(patients, ofPatient);
export const doctorSummary = columnsOf(doctors, ofDoctor);

const patient = sql`${value("patient")}::int`;
const doctor = sql`${value("doctor")}::int`;
/** The doctors of a patient that the caller may read: its `body`, or null when there is no such patient. */
export const findDoctorsOf = repeatable<{ body: Json<DoctorsOfPatient> | null }, { id: number }>(() => ({
  entry: {
    action: "read",
    outcome: outcomeOfReading(exists("found")),
    patients: sql`ARRAY[${value("id")}::int]`,
  },
  steps: {
    found: sql`
      SELECT ${patients.id} AS patient_id, ${patients.firstname} || ' ' || ${patients.lastname} AS patient, (
        SELECT ${arrayOf(doctorSummary, sql`${doctors.id}`)} FROM ${mappings}
        JOIN ${doctors} ON ${doctors.id} = ${mappings.doctor_id} WHERE ${mappings.patient_id} = ${patients.id}) AS doctors
      FROM ${patients} WHERE ${patients.id} = ${value("id")} AND ${may("read a patient")}`,
  },
  row: { body: bodyOf("found") },
}));

const doctorOf = (step: SQL): SQL =>
  sql`(SELECT row_to_json(o) FROM (SELECT doctor_id AS doctor FROM ${step}) o)`;

/**
 * Assigns a doctor to one of the caller's patients: nothing is made, and no id taken, unless both are there and the one is not `assigned`
 * to the other. One that is assigned at the same moment breaks the unique constraint.
 */
export const createAssignment = making<
  Assignment,
  { patient: number; doctor: number },
  { patient: boolean; doctor: boolean; active: boolean; assigned: boolean; revoked: boolean }
>(() => ({
  steps: {
    patient: sql`
      SELECT ${patients.id}, ${patients.owner_id} FROM ${patients}
      WHERE ${patients.id} = ${patient} AND ${may("assign a doctor to a patient")}`,
    // Locked: nobody is assigned to one who is retiring at this moment.
    doctor: sql`SELECT ${doctors.id}, ${doctors.active} FROM ${doctors} WHERE ${doctors.id} = ${doctor} FOR SHARE`,
    still: stillAccepted("doctor"),
    assigned: sql`SELECT FROM patient WHERE assignment_taken(patient.id, ${doctor})`,
  },
  draft: sql`
    SELECT ${nextId(mappings)}::int AS id, patient.id AS patient_id, owner_id, doctor.id AS doctor_id,
      now()::timestamptz(3) AS assigned_at
    FROM patient, doctor WHERE active AND ${exists("still")} AND NOT ${exists("assigned")}`,
  body: sql`(
    SELECT row_to_json(a)::text FROM (
      SELECT id, patient_id AS patient, doctor_id AS doctor, ${moment(mappings.assigned_at)} AS assigned_at
      FROM draft ${mappings}) a)`,
  id: sql`(SELECT id FROM draft)`,
  entry: {
    action: action("assign"),
    outcome: sql`CASE WHEN ${exists("draft")} THEN ${ended("done")}
      WHEN ${exists("patient")} THEN ${ended("refused")} ELSE ${ended("not_found")} END`,
    patients: sql`ARRAY[${patient}]`,
    changes: changesBetween(sql`NULL`, doctorOf(sql`draft`)),
  },
  replayed: { patients: sql`ARRAY[${patient}]` },
  insert: (condition) => sql`
    INSERT INTO ${mappings} (id, patient_id, owner_id, doctor_id, assigned_at) OVERRIDING SYSTEM VALUE
    SELECT id, patient_id, owner_id, doctor_id, assigned_at FROM draft WHERE ${condition}`,
  request: sql`concat_ws(' ', 'mappings', ${patient}, ${doctor})`,
  flags: {
    patient: exists("patient"),
    doctor: exists("doctor"),
    active: sql`EXISTS (SELECT FROM doctor WHERE active)`,
    assigned: exists("assigned"),
    revoked: sql`${exists("doctor")} AND ${isRevoked}`,
  },
}));

const id = sql`${value("id")}::int`;
const isEndable = may("end an assignment");
const isRefused = exists("refused");

/**
 * Ends an assignment of one of the caller's patients, or for an admin of anybody's; whether it is `gone` then, or was `refused`
 * to the doctor's own account, which only sees it. Who tries to end another's is on record with the patient of that.
 */
export const deleteAssignment = framed<{ gone: boolean; refused: boolean; revoked: boolean }, { id: number }>(
  () => ({
    entry: {
      action: "unassign",
      outcome: outcomeOfWriting(isRefused, exists("deleted")),
      patients: sql`ARRAY(SELECT ${mappings.patient_id} FROM ${mappings} WHERE ${mappings.id} = ${id})`,
      changes: changesBetween(doctorOf(sql`deleted`), sql`NULL`),
    },
    steps: {
      still: stillAccepted("caller"),
      refused: sql`
      SELECT FROM ${mappings}
      WHERE ${mappings.id} = ${id} AND ${mappings.current_doctor_id} = ${callerDoctor} AND NOT ${isEndable}`,
      deleted: sql`
      DELETE FROM ${mappings} WHERE ${mappings.id} = ${id} AND ${mappings.owner_id} IS NOT NULL AND ${isEndable} AND ${exists("still")}
      RETURNING ${mappings.doctor_id}`,
    },
    row: { gone: exists("deleted"), refused: isRefused, revoked: isRevoked },
  }),
);
