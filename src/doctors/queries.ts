import { sql } from "drizzle-orm";
import { isViolationOf } from "../db/errors.ts";
import { changesBetween, readOutcome } from "../db/query/steps/audit.ts";
import { authenticated, type Caller, callerId } from "../db/query/steps/caller.ts";
import { createResource } from "../db/query/steps/idempotent-create.ts";
import { lateralJoin } from "../db/query/steps/index-scan.ts";
import { jsonObject, selectColumns } from "../db/query/steps/json.ts";
import { defineList, matchesName } from "../db/query/steps/list.ts";
import { can } from "../db/query/steps/permissions.ts";
import {
  type DeleteParams,
  deletionAuditEvent,
  findById,
  isDeleted,
  isOwnedByCaller,
  isTargetRevoked,
  isTargetWritable,
  lockTarget,
  newEmail,
  type Resource,
  type TargetState,
  targetColumns,
  updateById,
  writableFieldsJson,
} from "../db/query/steps/resource.ts";
import { intParam, param } from "../db/query/steps/statement.ts";
import { assignments, doctors, patients } from "../db/schema.ts";
import { doctorFields, doctorResponseFields } from "./requests.ts";
import type { Doctor } from "./responses.ts";

/** Every account reads every doctor. The account that created a doctor and admins change it. */
const doctorResource: Resource = {
  table: doctors,
  columns: selectColumns(doctors, doctorResponseFields),
  writableColumns: Object.keys(doctorFields),
  ownerColumns: ["created_by"],
  isDuplicate: sql`${callerId} IS NOT NULL AND doctor_taken(${newEmail})`,
  canRead: can("doctors:read"),
  canChange: can("doctors:change"),
  auditSubjects: (id) => ({ doctor: id }),
  isReadAudited: false,
};

const patient = intParam("patient");

const isOwnPatient = sql`EXISTS (
  SELECT FROM ${patients} WHERE ${patients.id} = ${patient} AND ${isOwnedByCaller(patients.owner_id)})`;

/** All doctors. The filter `patient` finds the doctors of a patient of the caller's own; of others it finds none. */
export const listDoctors = defineList<Doctor>(() => ({
  table: doctors,
  json: sql`${jsonObject(doctorResource.columns)}::text`,
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
export const findDoctor = findById<Doctor>(doctorResource);
export const createDoctor = createResource<Doctor>(doctorResource);
export const updateDoctor = updateById<Doctor>(doctorResource);

const fromAssignments = sql`FROM ${assignments} WHERE ${assignments.current_doctor_id} = ${param("id")}`;

/**
 * The result of deleting a doctor. `assigned`: how many patients the doctor has; it is deleted only when that is 0.
 */
type DoctorDeletion = TargetState & { assigned: number | "at least 1"; isDeleted: boolean };

const deleteUnassignedDoctor = authenticated<DoctorDeletion, DeleteParams>(() => ({
  auditEvent: {
    ...deletionAuditEvent(doctorResource),
    changes: sql`(
      SELECT ${changesBetween(writableFieldsJson(doctorResource.writableColumns, "target"), sql`NULL`)} FROM deleted)`,
  },
  revoked: isTargetRevoked,
  steps: {
    ...lockTarget(doctorResource),
    deleted: sql`
      DELETE FROM ${doctors} USING target
      WHERE ${isTargetWritable(doctorResource)} AND NOT EXISTS (SELECT ${fromAssignments}) RETURNING 1`,
  },
  row: { ...targetColumns, assigned: sql`(SELECT count(*)::int ${fromAssignments})`, isDeleted },
}));

/** Deletes a doctor who has no patients. */
export async function deleteDoctor(caller: Caller, values: DeleteParams): Promise<DoctorDeletion> {
  try {
    return await deleteUnassignedDoctor(caller, values);
  } catch (error) {
    // A concurrent request assigned a patient: the statement's snapshot does not show it, the foreign key does.
    if (!isViolationOf(error, "mappings_doctor_fkey")) throw error;
    return { canChange: true, isExpectedVersion: true, assigned: "at least 1", isDeleted: false };
  }
}
