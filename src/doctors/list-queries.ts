import { sql } from "drizzle-orm";
import { readOutcome } from "../db/query/audit.ts";
import { callerId } from "../db/query/caller.ts";
import { defineList, type IndexScan, lateralJoin, matchesName, searchStep } from "../db/query/list.ts";
import { intParam, param } from "../db/statement.ts";
import { doctorJson } from "./queries.ts";
import { doctorResponseFields } from "./requests.ts";
import type { Doctor } from "./responses.ts";

const patient = intParam("patient");
const active = sql`${param("active")}::boolean`;
const specialization = sql`${param("specialization")}::text`;

const allDoctors: IndexScan = { from: sql`doctors d` };
const isOwnPatient = sql`EXISTS (SELECT FROM patients p WHERE p.id = ${patient} AND p.owner_id = ${callerId})`;

/** All doctors. The filter `patient` finds the doctors of a patient of the caller's own; of others it finds none. */
export const listDoctors = defineList<Doctor>({
  name: "doctors/list",
  routes: "GET /api/doctors",
  alias: "d",
  json: doctorJson,
  columns: [...doctorResponseFields, "last_first"],
  steps: searchStep,
  filters: {
    search: matchesName("d"),
    active: sql`(${active} IS NULL OR d.active = ${active})`,
    specialization: sql`(${specialization} IS NULL OR d.specialization = ${specialization})`,
    // The owner is not in WHERE: PostgreSQL could look for the assignment among all of the owner's.
    patient: sql`(${patient} IS NULL OR (
      SELECT m.owner_id = ${callerId} FROM mappings m WHERE m.patient_id = ${patient} AND m.doctor_id = d.id))`,
  },
  sorts: {
    id: { order: ["d.id"], scans: [allDoctors] },
    lastname: { order: ["d.last_first", "d.id"], scans: [allDoctors] },
    created_at: { order: ["d.created_at", "d.id"], scans: [allDoctors] },
    "patient id": {
      order: ["d.id"],
      scans: [
        {
          from: sql`mappings m ${lateralJoin("doctors", "d", "m.doctor_id")}`,
          equals: [["m.patient_id", patient]],
          order: ["m.doctor_id"],
          condition: sql`m.owner_id = ${callerId}`,
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
