import { sql } from "drizzle-orm";
import { breaks } from "../db/errors.ts";
import { changesBetween, outcomeOfReading } from "../db/query/audit.ts";
import { type Caller, callerId, framed } from "../db/query/caller.ts";
import { creation } from "../db/query/idempotent-create.ts";
import { joined } from "../db/query/index-scan.ts";
import { columnsOf, objectOf } from "../db/query/json.ts";
import { isNamed, list } from "../db/query/list.ts";
import { may } from "../db/query/permissions.ts";
import {
  change,
  type Deletion,
  entryOfDeletion,
  isGone,
  isOwn,
  isWritable,
  newEmail,
  ofTarget,
  type Resource,
  record,
  type Target,
  targeting,
  written,
} from "../db/query/resource.ts";
import { doctors, mappings, patients } from "../db/schema.ts";
import { value } from "../db/statement.ts";
import { fields, shownFields } from "./requests.ts";
import type { Doctor } from "./responses.ts";

/** Every account sees every doctor; the one that created a doctor changes it, and so does an admin. */
const resource: Resource = {
  table: doctors,
  columns: columnsOf(doctors, shownFields),
  writes: Object.keys(fields),
  owned: ["created_by"],
  taken: sql`${callerId} IS NOT NULL AND doctor_taken(${newEmail})`,
  visible: may("read a doctor"),
  changeable: may("change a doctor"),
  concerns: (id) => ({ doctor: id }),
  isPrivate: false,
};

const patient = sql`${value("patient")}::int`;

const ownPatient = sql`EXISTS (SELECT FROM ${patients} WHERE ${patients.id} = ${patient} AND ${isOwn(patients.owner_id)})`;

/** The filter `patient` is for a patient of the caller's: nobody learns who looks after another's. */
export const listDoctors = list<Doctor>(() => ({
  ...resource,
  json: sql`${objectOf(resource.columns)}::text`,
  sorts: {
    id: { table: doctors, order: [doctors.id] },
    lastname: { table: doctors, order: [doctors.last_first, doctors.id] },
    created_at: { table: doctors, order: [doctors.created_at, doctors.id] },
  },
  // Who looks after a patient is that patient's data.
  entry: (given) =>
    given.includes("patient")
      ? { action: "list", outcome: outcomeOfReading(ownPatient), patients: sql`ARRAY[${patient}]` }
      : null,
  filters: {
    search: isNamed(doctors),
    active: sql`${doctors.active} = ${value("active")}`,
    specialization: sql`${doctors.specialization} = ${value("specialization")}`,
    patient: sql`(
      SELECT true FROM ${mappings}
      WHERE ${mappings.patient_id} = ${patient} AND ${mappings.doctor_id} = ${doctors.id} AND ${isOwn(mappings.owner_id)})`,
  },
  shortcuts: {
    "patient id": {
      table: mappings,
      fixed: [[mappings.patient_id, patient]],
      order: [mappings.doctor_id],
      join: joined(doctors, mappings.doctor_id, isOwn(mappings.owner_id)),
    },
  },
}));
export const findDoctor = record<Doctor>(resource);
export const createDoctor = creation<Doctor>(resource);
export const changeDoctor = change<Doctor>(resource);

const assignments = sql`FROM ${mappings} WHERE ${mappings.current_doctor_id} = ${value("id")}`;
const deleteUnassigned = framed<Target & { assigned: number; gone: boolean }, Deletion>(() => ({
  entry: {
    ...entryOfDeletion(resource),
    changes: sql`(SELECT ${changesBetween(written(resource.writes, sql`target`), sql`NULL`)} FROM deleted)`,
  },
  steps: {
    ...targeting(resource),
    deleted: sql`
      DELETE FROM ${doctors} USING target
      WHERE ${isWritable(resource)} AND NOT EXISTS (SELECT ${assignments}) RETURNING 1`,
  },
  row: { ...ofTarget, assigned: sql`(SELECT count(*)::int ${assignments})`, gone: isGone },
}));

/** Deletes a doctor without patients, when it is writable: how many were `assigned`, and whether it is `gone` then. */
export async function deleteDoctor(caller: Caller, values: Deletion) {
  try {
    return await deleteUnassigned(caller, values);
  } catch (error) {
    // Assigned meanwhile: too late for the count of this statement, in time for the foreign key.
    if (!breaks(error, "mappings_doctor_fkey")) throw error;
    return { changeable: true, expected: true, revoked: false, assigned: "at least 1" as const, gone: false };
  }
}
