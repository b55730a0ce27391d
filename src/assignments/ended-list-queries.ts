import { type SQL, sql } from "drizzle-orm";
import { type Caller, callerClinicId, callerIsAdmin } from "../db/query/caller.ts";
import { isoTimestamp, jsonText } from "../db/query/json.ts";
import { defineList, type IndexScan, type PageRequest } from "../db/query/list.ts";
import { ended_assignments } from "../db/schema.ts";
import { intParam } from "../db/statement.ts";
import type { ListedAssignment } from "./responses.ts";
import { doctorSummary, patientSummary } from "./summaries.ts";

// The lists of ended assignments. A doctor's own account sees none but those of its own patients: its access to a patient
// ends with the assignment.

const [patient, doctor] = [intParam("patient"), intParam("doctor")];

/** What both lists have in common: each assignment with its patient and its doctor, audited with the patients. */
const endedList = {
  routes: "GET /api/mappings",
  alias: "em",
  join: sql`JOIN patients p ON p.id = em.patient_id LEFT JOIN doctors d ON d.id = em.doctor_id`,
  json: jsonText(ended_assignments, "em", ["id"], {
    members: sql`',"patient":' || ${patientSummary}
      || ',"doctor":' || CASE WHEN d.id IS NULL THEN 'null' ELSE ${doctorSummary} END
      || ',"assigned_at":"' || ${isoTimestamp("em.assigned_at")}
      || '","role":"' || em.role || '","primary":' || em.is_primary::text
      || ',"ended_at":"' || ${isoTimestamp("em.ended_at")} || '","ended_by":' || em.ended_by || ',"version":' || em.version
      || ',"doctor_name":' || to_json(em.doctor_name)`,
  }),
  filters: { patient: sql`(${patient} IS NULL OR em.patient_id = ${patient})` },
  auditEvent: {
    columns: {
      action: "list",
      patients: sql`ARRAY(SELECT DISTINCT patient_id FROM page ORDER BY patient_id)`,
    },
  },
} as const;

const byId = ["em.id"];
const byTime = ["em.assigned_at", "em.id"];

/** Those of one patient, which are few and are sorted. `OFFSET 0`: the planner finds them by the patient. */
const endedOfPatient = (condition: SQL): IndexScan => ({
  from: sql`(
        SELECT * FROM ended_assignments WHERE patient_id = ${patient} AND owner_id IS NOT NULL OFFSET 0
      ) em`,
  condition,
});
const isOwn = sql`em.owner_id = ${callerClinicId}`;

const ownScans: IndexScan[] = [
  { from: sql`ended_assignments em`, equals: [["em.owner_id", callerClinicId]] },
];
const ownOfPatient = [endedOfPatient(isOwn)];
const listOwnEnded = defineList<ListedAssignment>({
  ...endedList,
  name: "assignments/list-ended",
  sorts: {
    id: { order: byId, scans: ownScans },
    created_at: { order: byTime, scans: ownScans },
    "patient id": { order: byId, scans: ownOfPatient },
    "patient created_at": { order: byTime, scans: ownOfPatient },
  },
});

/** Those of a doctor. An admin sees all of them, of the patients of all accounts, as in the list of current ones. */
const doctorScans: IndexScan[] = [
  {
    from: sql`ended_assignments em`,
    equals: [
      ["em.doctor_id", doctor],
      ["em.owner_id", callerClinicId],
    ],
    condition: sql`NOT ${callerIsAdmin}`,
  },
  {
    from: sql`ended_assignments em`,
    equals: [["em.doctor_id", doctor]],
    condition: sql`${callerIsAdmin} AND em.owner_id IS NOT NULL`,
  },
];
const doctorScansOfPatient = [
  endedOfPatient(sql`em.doctor_id = ${doctor} AND (${isOwn} OR ${callerIsAdmin})`),
];
const listEndedOfDoctor = defineList<ListedAssignment>({
  ...endedList,
  name: "assignments/list-all-ended",
  sorts: {
    id: { order: byId, scans: doctorScans },
    created_at: { order: byTime, scans: doctorScans },
    "patient id": { order: byId, scans: doctorScansOfPatient },
    "patient created_at": { order: byTime, scans: doctorScansOfPatient },
  },
});

/** The ended assignments of the caller's patients; with the filter `doctor`, for an admin all of that doctor. */
export const listEndedAssignments = (caller: Caller, page: PageRequest) =>
  page.filters["doctor"] ? listEndedOfDoctor(caller, page) : listOwnEnded(caller, page);
