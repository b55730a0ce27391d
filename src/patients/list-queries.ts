import { type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import { indexKey } from "../db/columns.ts";
import type { AuditEventColumns } from "../db/query/steps/audit.ts";
import { type Caller, callerDoctorId, callerId } from "../db/query/steps/caller.ts";
import { type IndexScan, lateralJoin } from "../db/query/steps/index-scan.ts";
import { jsonObject, selectColumns } from "../db/query/steps/json.ts";
import { defineList, matchesName, type PageRequest } from "../db/query/steps/list.ts";
import { intParam, param } from "../db/query/steps/statement.ts";
import { assignments, patients } from "../db/schema.ts";
import { patientResponseFields } from "./requests.ts";
import type { Patient } from "./responses.ts";

const doctor = intParam("doctor");
const joinPatient = lateralJoin(patients, assignments.patient_id);

/** What both lists have in common. */
const patientList = {
  table: patients,
  json: sql`${jsonObject(selectColumns(patients, patientResponseFields))}::text`,
  filters: {
    search: matchesName(patients),
    gender: sql`${patients.gender} = ${param("gender")}`,
    min_age: sql`${patients.age} >= ${param("min_age")}`,
    max_age: sql`${patients.age} <= ${param("max_age")}`,
    doctor: sql`(
      SELECT true FROM ${assignments} WHERE ${assignments.patient_id} = ${patients.id} AND ${assignments.doctor_id} = ${doctor})`,
  },
  auditEvent: (): AuditEventColumns => ({ action: "list", patients: sql`ARRAY(SELECT id FROM page)` }),
};

/** The patients whose `owner` column is the caller, in each sort order. */
const ownScans = (owner: PgColumn, condition?: SQL): Record<"id" | "lastname" | "created_at", IndexScan> => ({
  id: { table: patients, equals: [[owner, callerId]], order: [patients.id], condition },
  lastname: {
    table: patients,
    equals: [[indexKey(owner, "bigint"), callerId]],
    order: [patients.last_first, patients.id],
    condition,
  },
  created_at: {
    table: patients,
    equals: [[indexKey(owner, "negative"), sql`-${callerId}`]],
    order: [patients.created_at, patients.id],
    condition,
  },
});

const ownPatients = ownScans(patients.owner_id);
const ownPatientsOfDoctor: IndexScan = {
  table: assignments,
  equals: [
    [indexKey(assignments.current_doctor_id, "bigint"), doctor],
    [assignments.owner_id, callerId],
  ],
  order: [assignments.patient_id],
  join: joinPatient,
};

/** Evaluated once: for an account that is no doctor's own, the scans of assigned patients are not executed. */
const isDoctorAccount = sql`${callerDoctorId} IS NOT NULL`;
const assignedDoctor = indexKey(assignments.current_doctor_id, "plusZero");

/** The patients who are assigned to the doctor whose own account is calling. */
const assignedPatients: IndexScan = {
  table: assignments,
  equals: [[assignedDoctor, callerDoctorId]],
  order: [assignments.patient_id],
  join: joinPatient,
  condition: isDoctorAccount,
};
/**
 * Like `assignedPatients`, in another order. No index has it, so they are sorted: a doctor has some hundreds or
 * thousands of patients. `OFFSET 0`: the planner plans the subquery by itself.
 */
const sortedAssignedPatients = ({ order }: IndexScan): IndexScan => ({
  table: patients,
  subquery: sql`(
    SELECT ${patients}.* FROM ${assignments} ${joinPatient} WHERE ${assignedDoctor} = ${callerDoctorId} OFFSET 0) ${patients}`,
  order,
  condition: isDoctorAccount,
});

const listReadablePatients = defineList<Patient>(() => ({
  ...patientList,
  sorts: {
    id: [ownPatients.id, assignedPatients],
    lastname: [ownPatients.lastname, sortedAssignedPatients(ownPatients.lastname)],
    created_at: [ownPatients.created_at, sortedAssignedPatients(ownPatients.created_at)],
  },
  filterIndexes: {
    "doctor id": [
      ownPatientsOfDoctor,
      { ...assignedPatients, condition: sql`${isDoctorAccount} AND ${patientList.filters.doctor}` },
    ],
  },
}));
const listDeletedPatients = defineList<Patient>(() => ({
  ...patientList,
  sorts: ownScans(patients.deleted_from, sql`${patients.deleted_at} IS NOT NULL`),
}));

/**
 * The caller's patients, and for a doctor's own account those who are assigned to that doctor. With the filter
 * `deleted`: the deleted patients that the caller can restore.
 */
export const listPatients = (caller: Caller, page: PageRequest) =>
  page.filters["deleted"] ? listDeletedPatients(caller, page) : listReadablePatients(caller, page);
