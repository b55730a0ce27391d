import { sql } from "drizzle-orm";
import { change, creation, isOwn, isOwnAfter, page, type Resource, record, removal } from "../db/frames.ts";
import { columnsOf } from "../db/json.ts";
import { patients } from "../db/schema.ts";
import { fields, Patient } from "./contract.ts";

/** A patient is its owner's, and there for nobody else. */
const resource: Resource = {
  table: patients,
  columns: columnsOf(patients, Patient.shape),
  writes: Object.keys(fields),
  visible: isOwn(patients.created_by),
  changeable: sql`true`,
};

export const listPatients = page<Patient>({
  ...resource,
  where: isOwnAfter(patients.created_by, patients.id),
  order: sql`${patients.created_by}, ${patients.id}`,
});
export const findPatient = record<Patient>(resource);
export const createPatient = creation<Patient>(resource);
export const changePatient = change<Patient>(resource);
/** The patient's assignments go with it. */
export const deletePatient = removal(resource);
