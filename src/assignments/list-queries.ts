import { type SQL, sql } from "drizzle-orm";
import { indexKey } from "../db/columns.ts";
import type { AuditEventColumns } from "../db/query/steps/audit.ts";
import { type Caller, callerDoctorId, callerId, callerIsAdmin } from "../db/query/steps/caller.ts";
import type { IndexScan } from "../db/query/steps/index-scan.ts";
import { isoTimestamp, jsonObject, selectColumns } from "../db/query/steps/json.ts";
import { defineList, type PageRequest } from "../db/query/steps/list.ts";
import { intParam } from "../db/query/steps/statement.ts";
import { assignments, doctors, patients } from "../db/schema.ts";
import { doctorSummaryFields, patientSummaryFields } from "./queries.ts";
import type { ListedAssignment } from "./responses.ts";

const patient = intParam("patient");
const doctor = intParam("doctor");

/** What both lists have in common: each assignment with its patient and its doctor, audited with the patients. */
const assignmentList = {
  table: assignments,
  join: sql`
    JOIN ${patients} ON ${patients.id} = ${assignments.patient_id} JOIN ${doctors} ON ${doctors.id} = ${assignments.doctor_id}`,
  json: sql`${jsonObject(sql`
    ${assignments.id}, ${jsonObject(selectColumns(patients, patientSummaryFields))} AS patient,
    ${jsonObject(selectColumns(doctors, doctorSummaryFields))} AS doctor, ${isoTimestamp(assignments.assigned_at)} AS assigned_at`)}::text`,
  filters: {
    patient: sql`${assignments.patient_id} = ${patient}`,
    doctor: sql`${assignments.current_doctor_id} = ${doctor}`,
  },
  auditEvent: (): AuditEventColumns => ({
    action: "list",
    patients: sql`ARRAY(SELECT DISTINCT patient_id FROM page ORDER BY patient_id)`,
  }),
};

const byId: IndexScan["order"] = [assignments.id];
const byTime: IndexScan["order"] = [assignments.assigned_at, assignments.id];
/** One scan for each sort order, and one for the filter `patient`. */
type AssignmentScans = Record<"id" | "created_at" | "patient", IndexScan>;

/** The assignments of the caller's own patients. */
const ownScans: AssignmentScans = {
  id: { table: assignments, equals: [[assignments.owner_id, callerId]], order: byId },
  created_at: {
    table: assignments,
    equals: [[indexKey(assignments.owner_id, "negative"), sql`-${callerId}`]],
    order: byTime,
  },
  patient: {
    table: assignments,
    equals: [
      [indexKey(assignments.owner_id, "bigint"), callerId],
      [assignments.patient_id, patient],
    ],
    order: byId,
  },
};

/** The assignments of a doctor to patients of any owner, under a condition on the caller. */
const doctorScans = (doctorId: SQL, condition: SQL): AssignmentScans => ({
  id: {
    table: assignments,
    equals: [[indexKey(assignments.current_doctor_id, "negative"), sql`-${doctorId}`]],
    order: byId,
    condition,
  },
  created_at: {
    table: assignments,
    equals: [[indexKey(assignments.current_doctor_id, "negativeBigint"), sql`-${doctorId}`]],
    order: byTime,
    condition,
  },
  // At most one row: a doctor is assigned to a patient once. `OFFSET 0`: the planner plans the subquery by itself.
  patient: {
    table: assignments,
    subquery: sql`(
      SELECT * FROM ${assignments} WHERE ${assignments.patient_id} = ${patient} AND ${assignments.doctor_id} = ${doctorId}
        AND ${assignments.owner_id} IS NOT NULL OFFSET 0) ${assignments}`,
    order: byId,
    condition,
  },
});

const callerDoctorScans = doctorScans(callerDoctorId, sql`${callerDoctorId} IS NOT NULL`);
const listReadableAssignments = defineList<ListedAssignment>(() => ({
  ...assignmentList,
  sorts: {
    id: [ownScans.id, callerDoctorScans.id],
    created_at: [ownScans.created_at, callerDoctorScans.created_at],
  },
  filterIndexes: { "patient id": [ownScans.patient, callerDoctorScans.patient] },
}));

/**
 * The doctor's own account and admins see all assignments of the doctor: nobody else could end those of other owners'
 * patients.
 */
const seesAll = sql`(${callerIsAdmin} OR ${callerDoctorId} IS NOT DISTINCT FROM ${doctor})`;
const seesOwnOnly = sql`NOT ${seesAll}`;
const allOfDoctorScans = doctorScans(doctor, seesAll);
const ownOfDoctorScan: IndexScan = {
  table: assignments,
  equals: [
    [assignments.current_doctor_id, doctor],
    [assignments.owner_id, callerId],
  ],
  order: byId,
  condition: seesOwnOnly,
};
const listDoctorAssignments = defineList<ListedAssignment>(() => ({
  ...assignmentList,
  sorts: {
    id: [ownOfDoctorScan, allOfDoctorScans.id],
    created_at: [{ ...ownScans.created_at, condition: seesOwnOnly }, allOfDoctorScans.created_at],
  },
  filterIndexes: {
    "patient id": [{ ...ownScans.patient, condition: seesOwnOnly }, allOfDoctorScans.patient],
  },
}));

/**
 * The assignments of the caller's patients, and for a doctor's own account those of that doctor. With the filter
 * `doctor` an admin sees all assignments of that doctor.
 */
export const listAssignments = (caller: Caller, page: PageRequest) =>
  page.filters["doctor"] ? listDoctorAssignments(caller, page) : listReadableAssignments(caller, page);
