import { sql } from "drizzle-orm";
import { readOutcome } from "../db/query/steps/audit.ts";
import { lateralJoin } from "../db/query/steps/index-scan.ts";
import { jsonObject, selectColumns } from "../db/query/steps/json.ts";
import { defineList, matchesName } from "../db/query/steps/list.ts";
import { isOwnedByCaller } from "../db/query/steps/resource.ts";
import { intParam, param } from "../db/query/steps/statement.ts";
import { assignments, doctors, patients } from "../db/schema.ts";
import { doctorResponseFields } from "./requests.ts";
import type { Doctor } from "./responses.ts";

const patient = intParam("patient");

const isOwnPatient = sql`EXISTS (
  SELECT FROM ${patients} WHERE ${patients.id} = ${patient} AND ${isOwnedByCaller(patients.owner_id)})`;

/** All doctors. The filter `patient` finds the doctors of a patient of the caller's own; of others it finds none. */
export const listDoctors = defineList<Doctor>(() => ({
  table: doctors,
  json: sql`${jsonObject(selectColumns(doctors, doctorResponseFields))}::text`,
  sorts: {
    id: { table: doctors, order: [doctors.id] },
    lastname: { table: doctors, order: [doctors.last_first, doctors.id] },
    created_at: { table: doctors, order: [doctors.created_at, doctors.id] },
  },
  // Which doctors a patient has is the patient's data, so this read is audited.
  auditEvent: (filters) =>
    filters.includes("patient")
      ? { action: "list", outcome: readOutcome(isOwnPatient), patients: sql`ARRAY[${patient}]` }
      : null,
  filters: {
    search: matchesName(doctors),
    active: sql`${doctors.active} = ${param("active")}`,
    specialization: sql`${doctors.specialization} = ${param("specialization")}`,
    patient: sql`(
      SELECT true FROM ${assignments}
      WHERE ${assignments.patient_id} = ${patient} AND ${assignments.doctor_id} = ${doctors.id}
        AND ${isOwnedByCaller(assignments.owner_id)})`,
  },
  filterIndexes: {
    "patient id": {
      table: assignments,
      equals: [[assignments.patient_id, patient]],
      order: [assignments.doctor_id],
      join: lateralJoin(doctors, assignments.doctor_id, isOwnedByCaller(assignments.owner_id)),
    },
  },
}));
