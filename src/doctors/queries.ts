import { sql } from "drizzle-orm";
import { type Caller, callerIsAdmin, framed } from "../db/caller.ts";
import { breaks } from "../db/errors.ts";
import {
  change,
  creation,
  deletion,
  isChangeable,
  isGone,
  isOwn,
  page,
  type Resource,
  record,
  target,
} from "../db/frames.ts";
import { columnsOf } from "../db/json.ts";
import { doctors, mappings } from "../db/schema.ts";
import { value } from "../db/statement.ts";
import { Doctor, fields } from "./contract.ts";

/** Every account sees every doctor; the one that created a doctor changes it, and so does an admin. */
const resource: Resource = {
  table: doctors,
  columns: columnsOf(doctors, Doctor.shape),
  writes: Object.keys(fields),
  visible: sql`true`,
  changeable: sql`(${isOwn(doctors.created_by)} OR ${callerIsAdmin})`,
};

export const listDoctors = page<Doctor>({
  ...resource,
  where: sql`${doctors.id} > ${value("after")}`,
  order: sql`${doctors.id}`,
});
export const findDoctor = record<Doctor>(resource);
export const createDoctor = creation<Doctor>(resource);
export const changeDoctor = change<Doctor>(resource);

const assignments = sql`FROM ${mappings} WHERE ${mappings.doctor_id} = ${value("id")}`;
const deleteUnassigned = framed<
  { changeable: boolean | null; assigned: number; gone: boolean },
  { id: number }
>(
  { target: target(resource), deleted: deletion(resource, sql`NOT EXISTS (SELECT ${assignments})`) },
  { changeable: isChangeable, assigned: sql`(SELECT count(*)::int ${assignments})`, gone: isGone },
);

/** Deletes a doctor without patients, when it is `changeable`: how many were `assigned`, and whether it is `gone` then. */
export async function deleteDoctor(caller: Caller, values: { id: number }) {
  try {
    return await deleteUnassigned(caller, values);
  } catch (error) {
    // Assigned meanwhile: too late for the count of this statement, in time for the foreign key.
    if (!breaks(error, "mappings_doctor_fkey")) throw error;
    return { changeable: true, assigned: "at least 1" as const, gone: false };
  }
}
