import { type SQL, sql } from "drizzle-orm";
import { negated, wide } from "../db/columns.ts";
import type { Entry } from "../db/query/audit.ts";
import { type Caller, callerDoctor, callerId, callerIsAdmin } from "../db/query/caller.ts";
import type { Path } from "../db/query/index-scan.ts";
import { moment, objectOf } from "../db/query/json.ts";
import { list, type Page } from "../db/query/list.ts";
import { doctors, mappings, patients } from "../db/schema.ts";
import { value } from "../db/statement.ts";
import { doctorSummary, patientSummary } from "./queries.ts";
import type { ListedAssignment } from "./responses.ts";

const patient = sql`${value("patient")}::int`;
const doctor = sql`${value("doctor")}::int`;

/** An assignment as it is listed: with its patient and its doctor, and on record with its patient. */
const listed = {
  table: mappings,
  join: sql`
    JOIN ${patients} ON ${patients.id} = ${mappings.patient_id} JOIN ${doctors} ON ${doctors.id} = ${mappings.doctor_id}`,
  json: sql`${objectOf(sql`
    ${mappings.id}, ${objectOf(patientSummary)} AS patient,
    ${objectOf(doctorSummary)} AS doctor, ${moment(mappings.assigned_at)} AS assigned_at`)}::text`,
  filters: {
    patient: sql`${mappings.patient_id} = ${patient}`,
    doctor: sql`${mappings.current_doctor_id} = ${doctor}`,
  },
  entry: (): Entry => ({
    action: "list",
    patients: sql`ARRAY(SELECT DISTINCT patient_id FROM page ORDER BY patient_id)`,
  }),
};

const byId: Path["order"] = [mappings.id];
const byTime: Path["order"] = [mappings.assigned_at, mappings.id];
type Paths = Record<"id" | "created_at" | "patient", Path>;

/** The assignments of the caller's own patients, all or one patient's. */
const own: Paths = {
  id: { table: mappings, fixed: [[mappings.owner_id, callerId]], order: byId },
  created_at: { table: mappings, fixed: [[negated(mappings.owner_id), sql`-${callerId}`]], order: byTime },
  patient: {
    table: mappings,
    fixed: [
      [wide(mappings.owner_id), callerId],
      [mappings.patient_id, patient],
    ],
    order: byId,
  },
};

/** The assignments of a doctor, whosever the patients are. */
const ofDoctor = (one: SQL, when: SQL): Paths => ({
  id: { table: mappings, fixed: [[negated(mappings.current_doctor_id), sql`-${one}`]], order: byId, when },
  created_at: {
    table: mappings,
    fixed: [[negated(wide(mappings.current_doctor_id)), sql`-${one}`]],
    order: byTime,
    when,
  },
  // One at most.
  patient: {
    table: mappings,
    gathered: sql`(
      SELECT * FROM ${mappings} WHERE ${mappings.patient_id} = ${patient} AND ${mappings.doctor_id} = ${one}
        AND ${mappings.owner_id} IS NOT NULL OFFSET 0) ${mappings}`,
    order: byId,
    when,
  },
});

const assigned = ofDoctor(callerDoctor, sql`${callerDoctor} IS NOT NULL`);
const listReadable = list<ListedAssignment>(() => ({
  ...listed,
  sorts: { id: [own.id, assigned.id], created_at: [own.created_at, assigned.created_at] },
  shortcuts: { "patient id": [own.patient, assigned.patient] },
}));

/** Of a doctor, the doctor's own account sees all assignments, and so does an admin: who could end them otherwise. */
const seesAll = sql`(${callerIsAdmin} OR ${callerDoctor} IS NOT DISTINCT FROM ${doctor})`;
const unlessAll = sql`NOT ${seesAll}`;
const all = ofDoctor(doctor, seesAll);
const ownOfDoctor: Path = {
  table: mappings,
  fixed: [
    [mappings.current_doctor_id, doctor],
    [mappings.owner_id, callerId],
  ],
  order: byId,
  when: unlessAll,
};
const listOfDoctor = list<ListedAssignment>(() => ({
  ...listed,
  sorts: {
    id: [ownOfDoctor, all.id],
    created_at: [{ ...own.created_at, when: unlessAll }, all.created_at],
  },
  shortcuts: { "patient id": [{ ...own.patient, when: unlessAll }, all.patient] },
}));

/**
 * The assignments of the caller's patients and, of a doctor's own account, those of that doctor; with the filter `doctor`, for
 * an admin, of everybody's.
 */
export const listAssignments = (caller: Caller, page: Page) =>
  (page.filters["doctor"] ? listOfDoctor : listReadable)(caller, page);
