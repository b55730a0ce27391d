import { type SQL, sql } from "drizzle-orm";
import { action, changesBetween, ended, outcomeOfReading } from "../db/audit.ts";
import { callerId, framed } from "../db/caller.ts";
import { negated, wide } from "../db/columns.ts";
import { making, nextId } from "../db/creation.ts";
import { isOwn } from "../db/frames.ts";
import { arrayOf, bodyOf, columnsOf, moment, objectOf } from "../db/json.ts";
import { list, type Path } from "../db/list.ts";
import { doctors, mappings, patients } from "../db/schema.ts";
import { type Json, value } from "../db/statement.ts";
import {
  type Assignment,
  DoctorSummary,
  type DoctorsOfPatient,
  type ListedAssignment,
  PatientSummary,
} from "./contract.ts";

const patientSummary = columnsOf(patients, PatientSummary.shape);
const doctorSummary = columnsOf(doctors, DoctorSummary.shape);

const patient = sql`${value("patient")}::int`;
const doctor = sql`${value("doctor")}::int`;
const own: NonNullable<Path["fixed"]>[number] = [mappings.owner_id, callerId];

/** The assignments of the caller's patients, each with its patient and its doctor. */
export const listAssignments = list<ListedAssignment>({
  table: mappings,
  entry: () => ({ action: "list", patients: sql`ARRAY(SELECT DISTINCT patient_id FROM page)` }),
  sorts: {
    id: { table: mappings, fixed: [own], order: [mappings.id] },
    created_at: {
      table: mappings,
      fixed: [[negated(mappings.owner_id), sql`-${callerId}`]],
      order: [mappings.assigned_at, mappings.id],
    },
  },
  filters: {
    patient: sql`${mappings.patient_id} = ${patient}`,
    doctor: sql`${mappings.doctor_id} = ${doctor}`,
  },
  shortcuts: {
    "patient id": {
      table: mappings,
      fixed: [
        [wide(mappings.owner_id), callerId],
        [mappings.patient_id, patient],
      ],
      order: [mappings.id],
    },
    "doctor id": {
      table: mappings,
      fixed: [[mappings.doctor_id, doctor], own],
      order: [mappings.id],
    },
  },
  join: sql`
    JOIN ${patients} ON ${patients.id} = ${mappings.patient_id} JOIN ${doctors} ON ${doctors.id} = ${mappings.doctor_id}`,
  columns: sql`
    ${mappings.id}, ${objectOf(patientSummary)} AS patient, ${objectOf(doctorSummary)} AS doctor,
    ${moment(mappings.assigned_at)} AS assigned_at`,
});

/** The doctors of one of the caller's patients: its `body`, or null when there is no such patient. */
export const findDoctorsOf = framed<{ body: Json<DoctorsOfPatient> | null }, { id: number }>(
  {
    action: "read",
    outcome: outcomeOfReading(sql`EXISTS (SELECT FROM found)`),
    patients: sql`ARRAY[${value("id")}::int]`,
  },
  {
    found: sql`
      SELECT ${patients.id} AS patient_id, ${patients.firstname} || ' ' || ${patients.lastname} AS patient, (
        SELECT ${arrayOf(doctorSummary, sql`${doctors.id}`)} FROM ${mappings}
        JOIN ${doctors} ON ${doctors.id} = ${mappings.doctor_id} WHERE ${mappings.patient_id} = ${patients.id}) AS doctors
      FROM ${patients} WHERE ${patients.id} = ${value("id")} AND ${isOwn(patients.created_by)}`,
  },
  { body: bodyOf("found") },
);

const doctorOf = (step: SQL): SQL =>
  sql`(SELECT row_to_json(o) FROM (SELECT doctor_id AS doctor FROM ${step}) o)`;

/**
 * Assigns a doctor to one of the caller's patients: nothing is made unless both are there. One assigned already breaks the
 * unique constraint.
 */
export const createAssignment = making<
  Assignment,
  { patient: number; doctor: number },
  { patient: boolean; doctor: boolean }
>({
  steps: {
    patient: sql`
      SELECT ${patients.id}, ${patients.created_by} FROM ${patients}
      WHERE ${patients.id} = ${patient} AND ${isOwn(patients.created_by)}`,
    doctor: sql`SELECT ${doctors.id} FROM ${doctors} WHERE ${doctors.id} = ${doctor}`,
  },
  draft: sql`
    SELECT ${nextId(mappings)}::int AS id, patient.id AS patient_id, created_by AS owner_id, doctor.id AS doctor_id,
      now()::timestamptz(3) AS assigned_at
    FROM patient, doctor`,
  body: sql`(
    SELECT row_to_json(a)::text FROM (
      SELECT id, patient_id AS patient, doctor_id AS doctor, ${moment(mappings.assigned_at)} AS assigned_at
      FROM draft ${mappings}) a)`,
  id: sql`(SELECT id FROM draft)`,
  entry: {
    action: action("assign"),
    outcome: sql`CASE WHEN EXISTS (SELECT FROM draft) THEN ${ended("done")}
      WHEN EXISTS (SELECT FROM patient) THEN ${ended("refused")} ELSE ${ended("not_found")} END`,
    patients: sql`ARRAY[${patient}]`,
    changes: changesBetween(sql`NULL`, doctorOf(sql`draft`)),
  },
  replayed: { patients: sql`ARRAY[${patient}]` },
  insert: (condition) => sql`
    INSERT INTO ${mappings} (id, patient_id, owner_id, doctor_id, assigned_at) OVERRIDING SYSTEM VALUE
    SELECT id, patient_id, owner_id, doctor_id, assigned_at FROM draft WHERE ${condition}`,
  request: sql`concat_ws(' ', 'mappings', ${patient}, ${doctor})`,
  flags: { patient: sql`EXISTS (SELECT FROM patient)`, doctor: sql`EXISTS (SELECT FROM doctor)` },
});

/**
 * Ends an assignment of one of the caller's patients; whether it is `gone` then. Who tries to end another's is on record with
 * the patient of that.
 */
export const deleteAssignment = framed<{ gone: boolean }, { id: number }>(
  {
    action: "unassign",
    outcome: outcomeOfReading(sql`EXISTS (SELECT FROM deleted)`),
    patients: sql`ARRAY(SELECT ${mappings.patient_id} FROM ${mappings} WHERE ${mappings.id} = ${value("id")})`,
    changes: changesBetween(doctorOf(sql`deleted`), sql`NULL`),
  },
  {
    deleted: sql`
      DELETE FROM ${mappings} WHERE ${mappings.id} = ${value("id")} AND ${isOwn(mappings.owner_id)}
      RETURNING ${mappings.doctor_id}`,
  },
  { gone: sql`EXISTS (SELECT FROM deleted)` },
);
