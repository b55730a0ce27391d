import { sql } from "drizzle-orm";
import { framed } from "../db/caller.ts";
import { isOwn, isOwnAfter, page, removal } from "../db/frames.ts";
import { arrayOf, bodyOf, columnsOf, moment, objectOf } from "../db/json.ts";
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

/** The assignments of the caller's patients, each with its patient and its doctor. */
export const listAssignments = page<ListedAssignment>({
  table: mappings,
  where: isOwnAfter(mappings.owner_id, mappings.id),
  order: sql`${mappings.owner_id}, ${mappings.id}`,
  join: sql`
    JOIN ${patients} ON ${patients.id} = ${mappings.patient_id} JOIN ${doctors} ON ${doctors.id} = ${mappings.doctor_id}`,
  columns: sql`
    ${mappings.id}, ${objectOf(patientSummary)} AS patient, ${objectOf(doctorSummary)} AS doctor,
    ${moment(mappings.assigned_at)} AS assigned_at`,
});

/** The doctors of one of the caller's patients: its `body`, or null when there is no such patient. */
export const findDoctorsOf = framed<{ body: Json<DoctorsOfPatient> | null }, { id: number }>(
  {
    found: sql`
      SELECT ${patients.id} AS patient_id, ${patients.firstname} || ' ' || ${patients.lastname} AS patient, (
        SELECT ${arrayOf(doctorSummary, sql`${doctors.id}`)} FROM ${mappings}
        JOIN ${doctors} ON ${doctors.id} = ${mappings.doctor_id} WHERE ${mappings.patient_id} = ${patients.id}) AS doctors
      FROM ${patients} WHERE ${patients.id} = ${value("id")} AND ${isOwn(patients.created_by)}`,
  },
  { body: bodyOf("found") },
);

/**
 * Assigns a doctor to one of the caller's patients: the assignment's `body`, null unless both are there. One assigned
 * already breaks the unique constraint.
 */
export const createAssignment = framed<
  { patient: boolean; doctor: boolean; body: Json<Assignment> | null },
  { patient: number; doctor: number }
>(
  {
    patient: sql`
      SELECT ${patients.id}, ${patients.created_by} FROM ${patients}
      WHERE ${patients.id} = ${value("patient")} AND ${isOwn(patients.created_by)}`,
    doctor: sql`SELECT ${doctors.id} FROM ${doctors} WHERE ${doctors.id} = ${value("doctor")}`,
    created: sql`
      INSERT INTO ${mappings} (patient_id, owner_id, doctor_id)
      SELECT patient.id, patient.created_by, (SELECT id FROM doctor) FROM patient WHERE EXISTS (SELECT FROM doctor)
      RETURNING id, patient_id AS patient, doctor_id AS doctor, ${moment(mappings.assigned_at)} AS assigned_at`,
  },
  {
    patient: sql`EXISTS (SELECT FROM patient)`,
    doctor: sql`EXISTS (SELECT FROM doctor)`,
    body: bodyOf("created"),
  },
);

/** Ends an assignment of one of the caller's patients. */
export const deleteAssignment = removal({
  table: mappings,
  visible: isOwn(mappings.owner_id),
  changeable: sql`true`,
});
