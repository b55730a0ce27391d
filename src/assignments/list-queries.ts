import { type SQL, sql } from "drizzle-orm";
import { type Caller, callerDoctorId, callerId, callerIsAdmin } from "../db/query/caller.ts";
import { isoTimestamp, jsonObject } from "../db/query/json.ts";
import { defineList, type IndexScan, type PageRequest } from "../db/query/list.ts";
import { intParam } from "../db/statement.ts";
import type { ListedAssignment } from "./responses.ts";
import { doctorSummary, patientSummary } from "./summaries.ts";

const [patient, doctor] = [intParam("patient"), intParam("doctor")];

/** What both lists have in common: each assignment with its patient and its doctor, audited with the patients. */
const assignmentList = {
  routes: "GET /api/mappings",
  alias: "m",
  join: sql`JOIN patients p ON p.id = m.patient_id JOIN doctors d ON d.id = m.doctor_id`,
  json: jsonObject(sql`
      m.id, ${jsonObject(patientSummary)} AS patient,
      ${jsonObject(doctorSummary)} AS doctor,
      ${isoTimestamp("m.assigned_at")} AS assigned_at`),
  auditEvent: {
    columns: {
      action: "list",
      patients: sql`ARRAY(SELECT DISTINCT patient_id FROM page ORDER BY patient_id)`,
    },
  },
} as const;

const byId = ["m.id"];
const byTime = ["m.assigned_at", "m.id"];

const isOwn = sql`m.owner_id = ${callerId}`;
const isOfPatient = sql`m.patient_id = ${patient}`;
const isOfCallersDoctor = sql`m.current_doctor_id = ${callerDoctorId}`;
const isOfDoctor = sql`m.current_doctor_id = ${doctor}`;
const optionalPatient = sql`(${patient} IS NULL OR ${isOfPatient})`;

/** The assignments for which the conditions are true. One on the caller alone is evaluated once, before the scan. */
const assignmentsWhere = (...conditions: SQL[]): IndexScan => ({
  from: sql`mappings m`,
  where: sql.join(conditions, sql` AND `),
});
/**
 * At most one assignment: a doctor is assigned to a patient once. `OFFSET 0`: the planner plans the subquery by itself.
 */
const assignmentOf = (doctorId: SQL, condition: SQL): IndexScan => ({
  from: sql`(
        SELECT * FROM mappings WHERE patient_id = ${patient} AND doctor_id = ${doctorId} AND owner_id IS NOT NULL OFFSET 0
      ) m`,
  where: condition,
});

const hasDoctor = sql`${callerDoctorId} IS NOT NULL`;
const listReadableAssignments = defineList<ListedAssignment>({
  ...assignmentList,
  name: "assignments/list",
  filters: { patient: optionalPatient },
  sorts: {
    id: { order: byId, scans: [assignmentsWhere(isOwn), assignmentsWhere(hasDoctor, isOfCallersDoctor)] },
    created_at: {
      order: byTime,
      scans: [assignmentsWhere(isOwn), assignmentsWhere(hasDoctor, isOfCallersDoctor)],
    },
    "patient id": {
      order: byId,
      scans: [assignmentsWhere(isOwn, isOfPatient), assignmentOf(callerDoctorId, hasDoctor)],
    },
  },
});

/**
 * The doctor's own account and admins see all assignments of the doctor: nobody else could end those of other owners'
 * patients.
 */
const seesAll = sql`(${callerIsAdmin} OR ${callerDoctorId} IS NOT DISTINCT FROM ${doctor})`;
const seesOwnOnly = sql`NOT ${seesAll}`;
const listDoctorAssignments = defineList<ListedAssignment>({
  ...assignmentList,
  name: "assignments/list-of-doctor",
  filters: { patient: optionalPatient, doctor: isOfDoctor },
  sorts: {
    id: {
      order: byId,
      scans: [assignmentsWhere(seesOwnOnly, isOfDoctor, isOwn), assignmentsWhere(seesAll, isOfDoctor)],
    },
    created_at: {
      order: byTime,
      scans: [assignmentsWhere(seesOwnOnly, isOwn), assignmentsWhere(seesAll, isOfDoctor)],
    },
    "patient id": {
      order: byId,
      scans: [assignmentsWhere(seesOwnOnly, isOwn, isOfPatient), assignmentOf(doctor, seesAll)],
    },
  },
});

/**
 * The assignments of the caller's patients, and for a doctor's own account those of that doctor. With the filter
 * `doctor` an admin sees all assignments of that doctor.
 */
export const listAssignments = (caller: Caller, page: PageRequest) =>
  page.filters["doctor"] ? listDoctorAssignments(caller, page) : listReadableAssignments(caller, page);
