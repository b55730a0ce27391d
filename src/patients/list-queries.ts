import { type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import { negated, unchanged, wide } from "../db/columns.ts";
import type { Entry } from "../db/query/audit.ts";
import { type Caller, callerDoctor, callerId } from "../db/query/caller.ts";
import { joined, type Path } from "../db/query/index-scan.ts";
import { objectOf } from "../db/query/json.ts";
import { isNamed, list, type Page } from "../db/query/list.ts";
import { mappings, patients } from "../db/schema.ts";
import { value } from "../db/statement.ts";
import { resource } from "./queries.ts";
import type { Patient } from "./responses.ts";

const doctor = sql`${value("doctor")}::int`;
const ofPatient = joined(patients, mappings.patient_id);
const shared = {
  table: patients,
  json: sql`${objectOf(resource.columns)}::text`,
  filters: {
    search: isNamed(patients),
    gender: sql`${patients.gender} = ${value("gender")}`,
    min_age: sql`${patients.age} >= ${value("min_age")}`,
    max_age: sql`${patients.age} <= ${value("max_age")}`,
    doctor: sql`(SELECT true FROM ${mappings} WHERE ${mappings.patient_id} = ${patients.id} AND ${mappings.doctor_id} = ${doctor})`,
  },
  entry: (): Entry => ({ action: "list", patients: sql`ARRAY(SELECT id FROM page)` }),
};

/** The orders of the patients of whom a column says that they are, or were, the caller's. */
const sortsBy = (column: PgColumn, when?: SQL): Record<"id" | "lastname" | "created_at", Path> => ({
  id: { table: patients, fixed: [[column, callerId]], order: [patients.id], when },
  lastname: {
    table: patients,
    fixed: [[wide(column), callerId]],
    order: [patients.last_first, patients.id],
    when,
  },
  created_at: {
    table: patients,
    fixed: [[negated(column), sql`-${callerId}`]],
    order: [patients.created_at, patients.id],
    when,
  },
});

const own = sortsBy(patients.owner_id);
const ownOfDoctor: Path = {
  table: mappings,
  fixed: [
    [wide(mappings.current_doctor_id), doctor],
    [mappings.owner_id, callerId],
  ],
  order: [mappings.patient_id],
  join: ofPatient,
};

/** That it is a doctor's own account: nothing is looked for otherwise. */
const isDoctor = sql`${callerDoctor} IS NOT NULL`;
/** The patients of the doctor whose account it is. */
const assigned: Path = {
  table: mappings,
  fixed: [[unchanged(mappings.current_doctor_id), callerDoctor]],
  order: [mappings.patient_id],
  join: ofPatient,
  when: isDoctor,
};
/** In another order no index has them. They are gathered and sorted: a doctor has hundreds, or some thousands, not millions. */
const assignedBy = ({ order }: Path): Path => ({
  table: patients,
  gathered: sql`(
    SELECT ${patients}.* FROM ${mappings} ${ofPatient}
    WHERE ${unchanged(mappings.current_doctor_id)} = ${callerDoctor} OFFSET 0) ${patients}`,
  order,
  when: isDoctor,
});

const listReadable = list<Patient>(() => ({
  ...shared,
  sorts: {
    id: [own.id, assigned],
    lastname: [own.lastname, assignedBy(own.lastname)],
    created_at: [own.created_at, assignedBy(own.created_at)],
  },
  shortcuts: {
    "doctor id": [ownOfDoctor, { ...assigned, when: sql`${isDoctor} AND ${shared.filters.doctor}` }],
  },
}));
const listDeleted = list<Patient>(() => ({
  ...shared,
  sorts: sortsBy(patients.deleted_from, sql`${patients.deleted_at} IS NOT NULL`),
}));

/**
 * The caller's patients and, of a doctor's own account, those that are assigned to that doctor; with the filter `deleted`,
 * those that the caller can restore instead.
 */
export const listPatients = (caller: Caller, page: Page) =>
  (page.filters["deleted"] ? listDeleted : listReadable)(caller, page);
