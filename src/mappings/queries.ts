import { type SQL, sql } from "drizzle-orm";
import { action, changesBetween, type Entry, ended, outcomeOfReading } from "../db/audit.ts";
import { type Caller, callerId, callerIsAdmin, framed, repeatable } from "../db/caller.ts";
import { negated, wide } from "../db/columns.ts";
import { making, nextId } from "../db/creation.ts";
import { isReadable } from "../db/emergency.ts";
import { isOwn } from "../db/frames.ts";
import { arrayOf, bodyOf, columnsOf, moment, objectOf } from "../db/json.ts";
import { list, type Page } from "../db/list.ts";
import type { Path } from "../db/path.ts";
import { doctors, mappings, patients } from "../db/schema.ts";
import { exists, type Json, value } from "../db/statement.ts";
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

/** An assignment as it is listed: with its patient and its doctor, and on record with its patient. */
const listed = {
  table: mappings,
  join: sql`
    JOIN ${patients} ON ${patients.id} = ${mappings.patient_id} JOIN ${doctors} ON ${doctors.id} = ${mappings.doctor_id}`,
  json: sql`${objectOf(sql`
    ${mappings.id}, ${objectOf(patientSummary)} AS patient, ${objectOf(doctorSummary)} AS doctor,
    ${moment(mappings.assigned_at)} AS assigned_at`)}::text`,
  filters: {
    patient: sql`${mappings.patient_id} = ${patient}`,
    doctor: sql`${mappings.current_doctor_id} = ${doctor}`,
  },
  entry: (): Entry => ({
    action: "list",
    patients: sql`ARRAY(SELECT DISTINCT patient_id FROM page ORDER BY patient_id)`,
  }),
};
const byId: Path["order"] = [mappings.id];
const byTime: Path["order"] = [mappings.assigned_at, mappings.id];
const ofCaller = {
  id: { table: mappings, fixed: [own], order: byId },
  created_at: { table: mappings, fixed: [[negated(mappings.owner_id), sql`-${callerId}`]], order: byTime },
} satisfies Record<string, Path>;

const ofPatient: Path = {
  table: mappings,
  fixed: [
    [wide(mappings.owner_id), callerId],
    [mappings.patient_id, patient],
  ],
  order: byId,
};

const listOwn = list<ListedAssignment>({
  ...listed,
  sorts: ofCaller,
  shortcuts: { "patient id": ofPatient },
});

/** Of a doctor, an admin sees everybody's assignments: who could end them otherwise. */
const unlessAdmin = sql`NOT ${callerIsAdmin}`;
const ofAnybody = { table: mappings, when: callerIsAdmin };
const listOfDoctor = list<ListedAssignment>({
  ...listed,
  sorts: {
    id: [
      { table: mappings, fixed: [[mappings.current_doctor_id, doctor], own], order: byId, when: unlessAdmin },
      { ...ofAnybody, fixed: [[negated(mappings.current_doctor_id), sql`-${doctor}`]], order: byId },
    ],
    created_at: [
      { ...ofCaller.created_at, when: unlessAdmin },
      { ...ofAnybody, fixed: [[negated(wide(mappings.current_doctor_id)), sql`-${doctor}`]], order: byTime },
    ],
  },
  shortcuts: {
    "patient id": [
      { ...ofPatient, when: unlessAdmin },
      // Of one patient and one doctor there is one at most.
      { ...ofAnybody, fixed: [[mappings.patient_id, patient]], order: [mappings.doctor_id] },
    ],
  },
});

/** The assignments of the caller's patients; with the filter `doctor`, for an admin, of everybody's. */
export const listAssignments = (caller: Caller, page: Page) =>
  (page.filters["doctor"] ? listOfDoctor : listOwn)(caller, page);

/** The doctors of one of the caller's patients: its `body`, or null when there is no such patient. */
export const findDoctorsOf = repeatable<{ body: Json<DoctorsOfPatient> | null }, { id: number }>(
  {
    action: "read",
    outcome: outcomeOfReading(exists("found")),
    patients: sql`ARRAY[${value("id")}::int]`,
  },
  {
    found: sql`
      SELECT ${patients.id} AS patient_id, ${patients.firstname} || ' ' || ${patients.lastname} AS patient, (
        SELECT ${arrayOf(doctorSummary, sql`${doctors.id}`)} FROM ${mappings}
        JOIN ${doctors} ON ${doctors.id} = ${mappings.doctor_id} WHERE ${mappings.patient_id} = ${patients.id}) AS doctors
      FROM ${patients} WHERE ${patients.id} = ${value("id")} AND ${isReadable}`,
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
  { patient: boolean; doctor: boolean; active: boolean }
>({
  steps: {
    patient: sql`
      SELECT ${patients.id}, ${patients.owner_id} FROM ${patients}
      WHERE ${patients.id} = ${patient} AND ${isOwn(patients.owner_id)}`,
    // Locked: nobody is assigned to one who is retiring at this moment.
    doctor: sql`SELECT ${doctors.id}, ${doctors.active} FROM ${doctors} WHERE ${doctors.id} = ${doctor} FOR SHARE`,
  },
  draft: sql`
    SELECT ${nextId(mappings)}::int AS id, patient.id AS patient_id, owner_id, doctor.id AS doctor_id,
      now()::timestamptz(3) AS assigned_at
    FROM patient, doctor WHERE active`,
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
  },
});

/**
 * Ends an assignment of one of the caller's patients, or for an admin of anybody's; whether it is `gone` then. Who tries to
 * end another's is on record with the patient of that.
 */
export const deleteAssignment = framed<{ gone: boolean }, { id: number }>(
  {
    action: "unassign",
    outcome: outcomeOfReading(exists("deleted")),
    patients: sql`ARRAY(SELECT ${mappings.patient_id} FROM ${mappings} WHERE ${mappings.id} = ${value("id")})`,
    changes: changesBetween(doctorOf(sql`deleted`), sql`NULL`),
  },
  {
    deleted: sql`
      DELETE FROM ${mappings}
      WHERE ${mappings.id} = ${value("id")} AND ${mappings.owner_id} IS NOT NULL
        AND (${isOwn(mappings.owner_id)} OR ${callerIsAdmin})
      RETURNING ${mappings.doctor_id}`,
  },
  { gone: exists("deleted") },
);
