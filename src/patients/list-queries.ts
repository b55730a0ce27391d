import { type SQL, sql } from "drizzle-orm";
import { emailKey } from "../db/columns.ts";
import { today } from "../db/query/age.ts";
import { type Caller, callerClinicId, callerDoctorId } from "../db/query/caller.ts";
import {
  defineList,
  type IndexScan,
  lateralJoin,
  matchesName,
  type PageRequest,
  searchStep,
} from "../db/query/list.ts";
import { intParam, param } from "../db/statement.ts";
import { identifierStep, isIdentifierSought } from "./identifier-checks.ts";
import { patientJson } from "./queries.ts";
import { patientResponseFields } from "./requests.ts";
import type { Patient } from "./responses.ts";

const gender = sql`${param("gender")}::text`;
const [minAge, maxAge, doctor] = [intParam("min_age"), intParam("max_age"), intParam("doctor")];

const updatedSince = sql`${param("updated_since")}::timestamptz`;
const [email, phone] = [sql`${param("email")}::text`, sql`${param("phone")}::text`];
const [bornFrom, bornTo] = [sql`${param("born_from")}::date`, sql`${param("born_to")}::date`];
/** The latest day of birth of a person who is that old today. */
const yearsBefore = (years: SQL): SQL => sql`(${today} - make_interval(years => ${years}))::date`;

const identifier = sql`${param("identifier")}::text`;

const isOfDoctor = sql`(
      SELECT true FROM mappings m WHERE m.patient_id = p.id AND m.doctor_id = ${doctor})`;

/**
 * Whether the patient `p` has the identifier that the parameter looks for. Not EXISTS: PostgreSQL might read all identifiers
 * into a hash table.
 */
const hasIdentifier = sql`(
      SELECT true FROM patient_identifiers i WHERE i.patient_id = p.id AND ${isIdentifierSought} LIMIT 1)`;

/** What both lists have in common. */
const patientList = {
  alias: "p",
  json: patientJson,
  columns: [...patientResponseFields.filter((name) => name !== "age"), "born_to", "name_sort_key"],
  filters: {
    // First, because they find the fewest rows.
    email: sql`(${email} IS NULL OR ${emailKey(sql`p.email`)} = ${emailKey(email)})`,
    identifier: sql`(${identifier} IS NULL OR ${hasIdentifier})`,
    phone: sql`(${phone} IS NULL OR p.phones @> ARRAY[${phone}])`,
    // Before `search`: of a doctor's patients, the names are read, because there are few.
    doctor: sql`(${doctor} IS NULL OR ${isOfDoctor})`,
    search: matchesName("p"),
    gender: sql`(${gender} IS NULL OR p.gender = ${gender})`,
    // Whether the possible days of birth overlap with those of the ages, or with the days that are asked for.
    // Who is born tomorrow, in another time zone, is 0 too.
    min_age: sql`(coalesce(${minAge}, 0) = 0 OR p.born_from <= ${yearsBefore(minAge)})`,
    max_age: sql`(${maxAge} IS NULL OR p.born_to > ${yearsBefore(sql`${maxAge} + 1`)})`,
    born_from: sql`(${bornFrom} IS NULL OR p.born_to >= ${bornFrom})`,
    born_to: sql`(${bornTo} IS NULL OR p.born_from <= ${bornTo})`,
    updated_since: sql`(${updatedSince} IS NULL OR p.updated_at >= ${updatedSince})`,
  },
  filterGroups: { email: "contact", phone: "contact" },
  auditEvent: { columns: { action: "list", patients: sql`ARRAY(SELECT id FROM page)` } },
} as const;

/** The columns of each sort order. */
const orders = {
  id: ["p.id"],
  lastname: ["p.name_sort_key", "p.id"],
  created_at: ["p.created_at", "p.id"],
  updated_at: ["p.updated_at", "p.id"],
};
const sinceParam = "updated_since";

const ownPatients: IndexScan = { from: sql`patients p`, equals: [["p.owner_id", callerClinicId]] };
const ownDeletedPatients: IndexScan = {
  from: sql`patients p`,
  equals: [["p.deleted_from", callerClinicId]],
  condition: sql`p.deleted_at IS NOT NULL`,
};

/** Own or deleted patients whose names the parameter `search` finds. `OFFSET 0`: only the index of names is used for it. */
const patientsFound = sql`(
        SELECT * FROM patients
        WHERE patient_name_tokens(owner_id, deleted_from, name_tokens) @@ (SELECT scoped_query FROM search) OFFSET 0
      ) p`;

/**
 * The patients with the parameter `email`, or else with `phone`. `OFFSET 0`: only the index of emails or of phone numbers
 * is used for them.
 *
 * @param isOwn whose patients they are, as a condition.
 * @param scope what stands before the phone numbers in the index: see `patient_phones`.
 */
const patientsByContact = (isOwn: SQL, scope: SQL): SQL => sql`(
        SELECT * FROM (
        (SELECT * FROM patients WHERE ${emailKey(sql`email`)} = ${emailKey(email)} AND ${isOwn} OFFSET 0)
        UNION ALL (
          SELECT * FROM patients
          WHERE ${email} IS NULL AND phones <> '{}'
            AND patient_phones(owner_id, deleted_from, phones) @> ARRAY[${scope} || ${phone}] OFFSET 0
        )
        ) found OFFSET 0
      ) p`;
const ownByContact: IndexScan = {
  from: patientsByContact(sql`owner_id = ${callerClinicId}`, sql`${callerClinicId} || ':'`),
};
const deletedByContact: IndexScan = {
  from: patientsByContact(
    sql`owner_id IS NULL AND deleted_from = ${callerClinicId}`,
    sql`'d' || ${callerClinicId} || ':'`,
  ),
};

/** Patients with the parameter `identifier`: few, which are sorted. `OFFSET 0`: the planner plans the subquery by itself. */
const patientsByIdentifier = (isVisible: SQL): SQL => sql`(
        SELECT p.*
        FROM (SELECT DISTINCT i.patient_id FROM patient_identifiers i WHERE ${isVisible} AND ${isIdentifierSought}) i
          ${lateralJoin("patients", "p", "i.patient_id")} OFFSET 0
      ) p`;
const ownByIdentifier: IndexScan = { from: patientsByIdentifier(sql`i.owner_id = ${callerClinicId}`) };
const deletedByIdentifier: IndexScan = {
  from: patientsByIdentifier(sql`i.owner_id IS NULL`),
  condition: sql`p.deleted_from = ${callerClinicId}`,
};

const joinPatient = lateralJoin("patients", "p", "m.patient_id");
/** Evaluated once: for an account that is no doctor's own, the scans of assigned patients are not executed. */
const isDoctorsAccount = sql`${callerDoctorId} IS NOT NULL`;

/** The caller's own patients of one doctor. */
const ownPatientsOfDoctor: IndexScan = {
  from: sql`mappings m ${joinPatient}`,
  equals: [
    ["m.current_doctor_id", doctor],
    ["m.owner_id", callerClinicId],
  ],
  order: ["m.patient_id"],
};

/** The patients who are assigned to the doctor whose own account is calling. */
const assignedPatients: IndexScan = {
  from: sql`mappings m ${joinPatient}`,
  equals: [["m.current_doctor_id", callerDoctorId]],
  order: ["m.patient_id"],
  condition: isDoctorsAccount,
};
/** Those of them who are assigned to another doctor too. */
const assignedPatientsOfDoctor: IndexScan = {
  ...assignedPatients,
  condition: sql`${isDoctorsAccount} AND ${isOfDoctor}`,
};
/**
 * Like `assignedPatients`, in another order. No index has it, so they are sorted: a doctor has some hundreds or
 * thousands of patients. `OFFSET 0`: the planner plans the subquery by itself.
 */
const sortedAssignedPatients: IndexScan = {
  from: sql`(
        SELECT p.* FROM mappings m ${joinPatient}
        WHERE m.current_doctor_id = ${callerDoctorId} OFFSET 0
      ) p`,
  condition: isDoctorsAccount,
};

/** Those of them with the parameter `identifier`. */
const assignedByIdentifier: IndexScan = {
  from: patientsByIdentifier(sql`i.owner_id IS NOT NULL AND EXISTS (
          SELECT FROM mappings m WHERE m.patient_id = i.patient_id AND m.doctor_id = ${callerDoctorId})`),
  condition: isDoctorsAccount,
};

/** The same for the patients of one doctor. */
const sortedPatientsOfDoctor: IndexScan[] = [
  {
    from: sql`(
        SELECT p.* FROM mappings m ${joinPatient}
        WHERE m.current_doctor_id = ${doctor} AND m.owner_id = ${callerClinicId} OFFSET 0
      ) p`,
  },
  { ...sortedAssignedPatients, condition: sql`${isDoctorsAccount} AND ${isOfDoctor}` },
];

const ownSorts = {
  id: { order: orders.id, scans: [ownPatients, assignedPatients] },
  lastname: { order: orders.lastname, scans: [ownPatients, sortedAssignedPatients] },
  created_at: { order: orders.created_at, scans: [ownPatients, sortedAssignedPatients] },
  updated_at: { order: orders.updated_at, scans: [ownPatients, sortedAssignedPatients], sinceParam },
};
const deletedSorts = {
  id: { order: orders.id, scans: [ownDeletedPatients] },
  lastname: { order: orders.lastname, scans: [ownDeletedPatients] },
  created_at: { order: orders.created_at, scans: [ownDeletedPatients] },
  updated_at: { order: orders.updated_at, scans: [ownDeletedPatients], sinceParam },
};

const listReadablePatients = defineList<Patient>({
  ...patientList,
  name: "patients/list",
  routes: "GET /api/patients",
  steps: sql`${searchStep(sql`(SELECT clinic_id FROM caller) || ':'`)},
  ${identifierStep}`,
  sorts: {
    ...ownSorts,
    "search id": { ...ownSorts.id, namesFound: patientsFound },
    "search lastname": { ...ownSorts.lastname, namesFound: patientsFound },
    "search created_at": { ...ownSorts.created_at, namesFound: patientsFound },
    "search updated_at": { ...ownSorts.updated_at, namesFound: patientsFound },
    "identifier id": { order: orders.id, scans: [ownByIdentifier, assignedByIdentifier] },
    "identifier lastname": { order: orders.lastname, scans: [ownByIdentifier, assignedByIdentifier] },
    "identifier created_at": { order: orders.created_at, scans: [ownByIdentifier, assignedByIdentifier] },
    "identifier updated_at": {
      order: orders.updated_at,
      scans: [ownByIdentifier, assignedByIdentifier],
      sinceParam,
    },
    "contact id": { order: orders.id, scans: [ownByContact, assignedPatients] },
    "contact lastname": { order: orders.lastname, scans: [ownByContact, sortedAssignedPatients] },
    "contact created_at": { order: orders.created_at, scans: [ownByContact, sortedAssignedPatients] },
    "contact updated_at": {
      order: orders.updated_at,
      scans: [ownByContact, sortedAssignedPatients],
      sinceParam,
    },
    "doctor id": { order: orders.id, scans: [ownPatientsOfDoctor, assignedPatientsOfDoctor] },
    "doctor lastname": { order: orders.lastname, scans: sortedPatientsOfDoctor },
    "doctor created_at": { order: orders.created_at, scans: sortedPatientsOfDoctor },
    "doctor updated_at": { order: orders.updated_at, scans: sortedPatientsOfDoctor, sinceParam },
  },
});
const listDeletedPatients = defineList<Patient>({
  ...patientList,
  name: "patients/list-deleted",
  routes: "GET /api/patients",
  steps: sql`${searchStep(sql`'d' || (SELECT clinic_id FROM caller) || ':'`)},
  ${identifierStep}`,
  sorts: {
    ...deletedSorts,
    "search id": { ...deletedSorts.id, namesFound: patientsFound },
    "search lastname": { ...deletedSorts.lastname, namesFound: patientsFound },
    "search created_at": { ...deletedSorts.created_at, namesFound: patientsFound },
    "search updated_at": { ...deletedSorts.updated_at, namesFound: patientsFound },
    "identifier id": { order: orders.id, scans: [deletedByIdentifier] },
    "identifier lastname": { order: orders.lastname, scans: [deletedByIdentifier] },
    "identifier created_at": { order: orders.created_at, scans: [deletedByIdentifier] },
    "identifier updated_at": { order: orders.updated_at, scans: [deletedByIdentifier], sinceParam },
    "contact id": { order: orders.id, scans: [deletedByContact] },
    "contact lastname": { order: orders.lastname, scans: [deletedByContact] },
    "contact created_at": { order: orders.created_at, scans: [deletedByContact] },
    "contact updated_at": { order: orders.updated_at, scans: [deletedByContact], sinceParam },
  },
});

/**
 * The caller's patients, and for a doctor's own account those who are assigned to that doctor. With the filter
 * `deleted`: the deleted patients that the caller can restore.
 */
export const listPatients = (caller: Caller, page: PageRequest) =>
  page.filters["deleted"] ? listDeletedPatients(caller, page) : listReadablePatients(caller, page);
