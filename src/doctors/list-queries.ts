import { sql } from "drizzle-orm";
import { readOutcome } from "../db/query/audit.ts";
import { callerClinicId } from "../db/query/caller.ts";
import {
  defineList,
  type IndexScan,
  lateralJoin,
  matchesName,
  searchStep,
  sortsOfSearch,
} from "../db/query/list.ts";
import { intParam, param } from "../db/statement.ts";
import { doctorJson } from "./queries.ts";
import { doctorResponseFields } from "./requests.ts";
import type { Doctor } from "./responses.ts";

const patient = intParam("patient");
const active = sql`${param("active")}::boolean`;
const updatedSince = sql`${param("updated_since")}::timestamptz`;
const specialization = sql`${param("specialization")}::text`;

const allDoctors: IndexScan = { from: sql`doctors d` };
const isOwnPatient = sql`EXISTS (SELECT FROM patients p WHERE p.id = ${patient} AND p.owner_id = ${callerClinicId})`;

const sorts = {
  id: { order: ["d.id"], scans: [allDoctors] },
  lastname: { order: ["d.name_sort_key", "d.id"], scans: [allDoctors] },
  created_at: { order: ["d.created_at", "d.id"], scans: [allDoctors] },
  updated_at: { order: ["d.updated_at", "d.id"], scans: [allDoctors], sinceParam: "updated_since" },
};
/** Doctors whose names the parameter `search` finds. `OFFSET 0`: only the index of names is used for it. */
const doctorsFound = sql`(SELECT * FROM doctors WHERE name_tokens @@ (SELECT query FROM search) OFFSET 0) d`;

/** All doctors. The filter `patient` finds the doctors of a patient of the caller's own; of others it finds none. */
export const listDoctors = defineList<Doctor>({
  name: "doctors/list",
  routes: "GET /api/doctors",
  alias: "d",
  json: doctorJson,
  columns: [...doctorResponseFields, "name_sort_key"],
  steps: searchStep(),
  filters: {
    // The owner is not in WHERE: PostgreSQL could look for the assignment among all of the owner's.
    patient: sql`(${patient} IS NULL OR (
      SELECT m.owner_id = ${callerClinicId} FROM mappings m WHERE m.patient_id = ${patient} AND m.doctor_id = d.id))`,
    search: matchesName("d"),
    active: sql`(${active} IS NULL OR d.active = ${active})`,
    specialization: sql`(${specialization} IS NULL OR d.specialization = ${specialization})`,
    updated_since: sql`(${updatedSince} IS NULL OR d.updated_at >= ${updatedSince})`,
  },
  sorts: {
    ...sorts,
    ...sortsOfSearch(sorts, doctorsFound),
    "patient id": {
      order: ["d.id"],
      scans: [
        {
          from: sql`mappings m ${lateralJoin("doctors", "d", "m.doctor_id")}`,
          equals: [["m.patient_id", patient]],
          order: ["m.doctor_id"],
          condition: sql`m.owner_id = ${callerClinicId}`,
        },
      ],
    },
  },
  // Which doctors a patient has is the patient's data, so this read is audited.
  auditEvent: {
    columns: { action: "list", outcome: readOutcome(isOwnPatient), patient },
    condition: sql`${patient} IS NOT NULL`,
  },
});
