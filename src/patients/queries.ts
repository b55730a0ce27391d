import { sql } from "drizzle-orm";
import { callerId } from "../db/caller.ts";
import { creation } from "../db/creation.ts";
import { change, isOwn, type Resource, record, removal } from "../db/frames.ts";
import { columnsOf } from "../db/json.ts";
import { isNamed, list } from "../db/list.ts";
import { mappings, negated, patients, wide } from "../db/schema.ts";
import { value } from "../db/statement.ts";
import { fields, Patient } from "./contract.ts";

/** A patient is its owner's, and there for nobody else. */
const resource: Resource = {
  table: patients,
  columns: columnsOf(patients, Patient.shape),
  writes: Object.keys(fields),
  visible: isOwn(patients.created_by),
  changeable: sql`true`,
};

const doctor = sql`${value("doctor")}::int`;
export const listPatients = list<Patient>({
  ...resource,
  sorts: {
    id: { table: patients, fixed: [[patients.created_by, callerId]], order: [patients.id] },
    lastname: {
      table: patients,
      fixed: [[wide(patients.created_by), callerId]],
      order: [patients.last_first, patients.id],
    },
    created_at: {
      table: patients,
      fixed: [[negated(patients.created_by), sql`-${callerId}`]],
      order: [patients.created_at, patients.id],
    },
  },
  filters: {
    search: isNamed(patients),
    gender: sql`${patients.gender} = ${value("gender")}`,
    min_age: sql`${patients.age} >= ${value("min_age")}`,
    max_age: sql`${patients.age} <= ${value("max_age")}`,
    doctor: sql`(SELECT true FROM ${mappings} WHERE ${mappings.patient_id} = ${patients.id} AND ${mappings.doctor_id} = ${doctor})`,
  },
  shortcuts: {
    "doctor id": {
      table: mappings,
      fixed: [
        [wide(mappings.doctor_id), doctor],
        [mappings.owner_id, callerId],
      ],
      order: [mappings.patient_id],
      join: sql`JOIN LATERAL (SELECT * FROM ${patients} WHERE ${patients.id} = ${mappings.patient_id} OFFSET 0) ${patients} ON true`,
    },
  },
});
export const findPatient = record<Patient>(resource);
export const createPatient = creation<Patient>(resource);
export const changePatient = change<Patient>(resource);
/** The patient's assignments go with it. */
export const deletePatient = removal<{ id: number; expected: number[] | null }>(resource);
