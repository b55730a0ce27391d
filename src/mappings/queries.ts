import { and, eq, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import type { SelectResultFields } from "drizzle-orm/query-builders/select.types";
import { asCaller, type Caller, type Claims, isOwn, isOwnAfter } from "../db/caller.ts";
import type { Database } from "../db/client.ts";
import { doctors, mappings, patients } from "../db/schema.ts";
import type { Page } from "../http/pagination.ts";
import type { NewAssignment } from "./contract.ts";

const patientSummary = {
  id: patients.id,
  firstname: patients.firstname,
  lastname: patients.lastname,
  age: patients.age,
  gender: patients.gender,
  created_by: patients.created_by,
};

const doctorSummary = {
  id: doctors.id,
  firstname: doctors.firstname,
  lastname: doctors.lastname,
  specialization: doctors.specialization,
  max_appointments_per_day: doctors.max_appointments_per_day,
  gender: doctors.gender,
};

/** One of the caller's patients. */
const ownPatient = (db: Database, caller: Caller, claims: Claims, id: number) =>
  db.$with("patient").as(
    db
      .select(patientSummary)
      .from(patients)
      .where(and(eq(patients.id, id), isOwn(patients.created_by, caller, claims))),
  );

/** A page of the assignments of the caller's patients, each with its patient and its doctor. */
export async function listAssignments(db: Database, claims: Claims, { after, rows }: Page) {
  const answer = await asCaller(db, claims, (caller) => [
    db.$with("found").as(
      db
        .select({
          id: mappings.id,
          patient: jsonObject(patientSummary).as("patient"),
          doctor: jsonObject(doctorSummary).as("doctor"),
          assigned_at: mappings.assigned_at,
        })
        .from(mappings)
        .innerJoin(patients, eq(patients.id, mappings.patient_id))
        .innerJoin(doctors, eq(doctors.id, mappings.doctor_id))
        .where(isOwnAfter({ owner: mappings.owner_id, id: mappings.id, after }, caller, claims))
        .orderBy(mappings.owner_id, mappings.id)
        .limit(rows),
    ),
  ]);
  return answer.flatMap(({ found }) => found ?? []);
}

/** A row for each doctor of one of the caller's patients; one with a null doctor when there is none yet. */
export const listDoctorsOf = (db: Database, claims: Claims, patientId: number) =>
  asCaller(db, claims, (caller) => {
    const patient = ownPatient(db, caller, claims, patientId);
    const doctor = db
      .$with("doctor")
      .as(
        db
          .select(doctorSummary)
          .from(doctors)
          .innerJoin(mappings, eq(mappings.doctor_id, doctors.id))
          .innerJoin(patient, eq(mappings.patient_id, patient.id)),
      );
    return [patient, doctor];
  });

/** Assigns a doctor to one of the caller's patients, when both are there. One assigned already breaks the unique constraint. */
export async function createAssignment(db: Database, claims: Claims, assignment: NewAssignment) {
  const [answer] = await asCaller(db, claims, (caller) => {
    const patient = ownPatient(db, caller, claims, assignment.patient);
    const doctor = db
      .$with("doctor")
      .as(db.select({ id: doctors.id }).from(doctors).where(eq(doctors.id, assignment.doctor)));
    const created = db.$with("created", assigned).as(sql`
      INSERT INTO ${mappings} (patient_id, owner_id, doctor_id)
      SELECT ${patient.id}, ${patient.created_by}, ${doctor.id} FROM ${patient}, ${doctor}
      RETURNING id, patient_id, doctor_id, assigned_at`);
    return [patient, doctor, created];
  });
  return answer;
}

const assigned = {
  id: mappings.id,
  patient: mappings.patient_id,
  doctor: mappings.doctor_id,
  assigned_at: mappings.assigned_at,
};

/** Ends an assignment of one of the caller's patients; its id, or `null`. */
export async function deleteAssignment(db: Database, claims: Claims, id: number) {
  const [{ deleted }] = await asCaller(db, claims, (caller) => [
    db.$with("deleted").as(
      db
        .delete(mappings)
        .where(and(eq(mappings.id, id), isOwn(mappings.owner_id, caller, claims)))
        .returning({ id: mappings.id }),
    ),
  ]);
  return deleted;
}

/** Columns as one JSON object, under their keys: two tables' columns of the same name do not meet in one row. */
function jsonObject<Columns extends Record<string, PgColumn>>(columns: Columns) {
  const pairs = Object.entries(columns).map(([key, column]) => sql`${sql.raw(`'${key}'`)}, ${column}`);
  return sql<SelectResultFields<Columns>>`json_build_object(${sql.join(pairs, sql`, `)})`;
}
