import { type SQL, sql } from "drizzle-orm";
import {
  type Caller,
  callerClinicId,
  callerDoctorId,
  callerIsAdmin,
  callerIsDoctor,
} from "../db/query/caller.ts";
import { isoTimestamp, jsonText } from "../db/query/json.ts";
import { defineList, type IndexScan, type PageRequest } from "../db/query/list.ts";
import { assignments } from "../db/schema.ts";
import { intParam } from "../db/statement.ts";
import { listEndedAssignments } from "./ended-list-queries.ts";
import type { ListedAssignment } from "./responses.ts";
import { doctorSummary, patientSummary } from "./summaries.ts";

const [patient, doctor] = [intParam("patient"), intParam("doctor")];

/** What both lists have in common: each assignment with its patient and its doctor, audited with the patients. */
const assignmentList = {
  routes: "GET /api/mappings",
  alias: "m",
  join: sql`JOIN patients p ON p.id = m.patient_id JOIN doctors d ON d.id = m.doctor_id`,
  json: jsonText(assignments, "m", ["id"], {
    members: sql`',"patient":' || ${patientSummary}
      || ',"doctor":' || ${doctorSummary}
      || ',"assigned_at":"' || ${isoTimestamp("m.assigned_at")}
      || '","role":"' || m.role || '","primary":' || m.is_primary::text
      || ',"ended_at":null,"ended_by":null,"version":' || m.version`,
  }),
  auditEvent: {
    columns: {
      action: "list",
      patients: sql`ARRAY(SELECT DISTINCT patient_id FROM page ORDER BY patient_id)`,
    },
  },
} as const;

const byId = ["m.id"];
const byTime = ["m.assigned_at", "m.id"];

const isOfPatient = sql`(${patient} IS NULL OR m.patient_id = ${patient})`;

/** The assignments with one value of a column, under a condition on the caller, which is evaluated once. */
const assignmentsBy = (column: "owner_id" | "current_doctor_id", value: SQL, condition?: SQL): IndexScan => ({
  from: sql`mappings m`,
  equals: [[`m.${column}`, value]],
  ...(condition && { condition }),
});
/**
 * The few assignments of one patient, which are sorted. `OFFSET 0`: the planner plans the subquery by itself, and finds
 * them by the patient.
 */
const assignmentsOfPatient = (condition: SQL): IndexScan => ({
  from: sql`(
        SELECT * FROM mappings WHERE patient_id = ${patient} AND owner_id IS NOT NULL OFFSET 0
      ) m`,
  condition,
});
const isOwn = sql`m.owner_id = ${callerClinicId}`;

const readableScans = [
  assignmentsBy("owner_id", callerClinicId),
  assignmentsBy("current_doctor_id", callerDoctorId, callerIsDoctor),
];
const readableOfPatient = [assignmentsOfPatient(sql`(${isOwn} OR m.current_doctor_id = ${callerDoctorId})`)];
const listReadableAssignments = defineList<ListedAssignment>({
  ...assignmentList,
  name: "assignments/list",
  filters: { patient: isOfPatient },
  sorts: {
    id: { order: byId, scans: readableScans },
    created_at: { order: byTime, scans: readableScans },
    "patient id": { order: byId, scans: readableOfPatient },
    "patient created_at": { order: byTime, scans: readableOfPatient },
  },
});

/**
 * The doctor's own account and admins see all assignments of the doctor: nobody else could end those of other owners'
 * patients.
 */
const seesAll = sql`(${callerIsAdmin} OR ${callerDoctorId} IS NOT DISTINCT FROM ${doctor})`;
const seesOwnOnly = sql`NOT ${seesAll}`;
const isOfDoctor = sql`m.current_doctor_id = ${doctor}`;
const allOfDoctor = assignmentsBy("current_doctor_id", doctor, seesAll);
const ownOfDoctor: IndexScan = {
  from: sql`mappings m`,
  equals: [
    ["m.current_doctor_id", doctor],
    ["m.owner_id", callerClinicId],
  ],
  condition: seesOwnOnly,
};
const ofDoctorAndPatient = [assignmentsOfPatient(sql`${isOfDoctor} AND (${isOwn} OR ${seesAll})`)];
const listDoctorAssignments = defineList<ListedAssignment>({
  ...assignmentList,
  name: "assignments/list-of-doctor",
  filters: { patient: isOfPatient },
  sorts: {
    id: { order: byId, scans: [ownOfDoctor, allOfDoctor] },
    created_at: {
      order: byTime,
      scans: [assignmentsBy("owner_id", callerClinicId, sql`${seesOwnOnly} AND ${isOfDoctor}`), allOfDoctor],
    },
    "patient id": { order: byId, scans: ofDoctorAndPatient },
    "patient created_at": { order: byTime, scans: ofDoctorAndPatient },
  },
});

/**
 * The assignments of the caller's patients, and for a doctor's own account those of that doctor. With the filter
 * `doctor` an admin sees all assignments of that doctor. With the filter `ended`: those that have ended.
 */
export const listAssignments = (caller: Caller, page: PageRequest) => {
  if (page.filters["ended"]) return listEndedAssignments(caller, page);
  return page.filters["doctor"] ? listDoctorAssignments(caller, page) : listReadableAssignments(caller, page);
};
