import { type SQL, sql } from "drizzle-orm";
import { emailKey } from "../db/columns.ts";
import { today } from "../db/query/age.ts";
import type { Caller } from "../db/query/caller.ts";
import {
  defineList,
  type IndexScan,
  matchesName,
  type PageRequest,
  searchStep,
  sortsOfFilter,
  sortsOfSearch,
} from "../db/query/list.ts";
import { intParam, param } from "../db/statement.ts";
import { identifierStep, isIdentifierSought } from "./identifier-checks.ts";
import {
  assignedByIdentifier,
  assignedPatients,
  assignedPatientsOfDoctor,
  deletedByContact,
  deletedByIdentifier,
  doctor,
  email,
  isOfDoctor,
  ownByContact,
  ownByIdentifier,
  ownDeletedPatients,
  ownPatients,
  ownPatientsOfDoctor,
  patientsFound,
  phone,
  sortedAssignedPatients,
  sortedPatientsOfDoctor,
} from "./list-scans.ts";
import { patientJson } from "./queries.ts";
import { patientResponseFields } from "./requests.ts";
import type { Patient } from "./responses.ts";

const gender = sql`${param("gender")}::text`;
const [minAge, maxAge] = [intParam("min_age"), intParam("max_age")];

const updatedSince = sql`${param("updated_since")}::timestamptz`;
const [bornFrom, bornTo] = [sql`${param("born_from")}::date`, sql`${param("born_to")}::date`];
/** The latest day of birth of a person who is that old today. */
const yearsBefore = (years: SQL): SQL => sql`(${today} - make_interval(years => ${years}))::date`;

const identifier = sql`${param("identifier")}::text`;

/**
 * Whether the patient `p` has the identifier that the parameter looks for. Not EXISTS: PostgreSQL might read all
 * identifiers into a hash table.
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
    // A child that is born tomorrow, by the date of another time zone, has the age 0 too.
    min_age: sql`(coalesce(${minAge}, 0) = 0 OR p.born_from <= ${yearsBefore(minAge)})`,
    max_age: sql`(${maxAge} IS NULL OR p.born_to > ${yearsBefore(sql`${maxAge} + 1`)})`,
    born_from: sql`(${bornFrom} IS NULL OR p.born_to >= ${bornFrom})`,
    born_to: sql`(${bornTo} IS NULL OR p.born_from <= ${bornTo})`,
    updated_since: sql`(${updatedSince} IS NULL OR p.updated_at >= ${updatedSince})`,
  },
  filterGroups: { email: "contact", phone: "contact" },
  auditEvent: { columns: { action: "list", patients: sql`ARRAY(SELECT id FROM page)` } },
} as const;

/**
 * The sort orders of a list.
 *
 * @param byId the scans in the order of ids.
 * @param byOthers those in the other orders.
 */
const sortsOf = (byId: IndexScan[], byOthers = byId) => ({
  id: { order: ["p.id"], scans: byId },
  lastname: { order: ["p.name_sort_key", "p.id"], scans: byOthers },
  created_at: { order: ["p.created_at", "p.id"], scans: byOthers },
  updated_at: { order: ["p.updated_at", "p.id"], scans: byOthers, sinceParam: "updated_since" },
});

const ownSorts = sortsOf([ownPatients, assignedPatients], [ownPatients, sortedAssignedPatients]);
const deletedSorts = sortsOf([ownDeletedPatients]);

const listReadablePatients = defineList<Patient>({
  ...patientList,
  name: "patients/list",
  routes: "GET /api/patients",
  steps: sql`${searchStep(sql`(SELECT clinic_id FROM caller) || ':'`)},
  ${identifierStep}`,
  sorts: {
    ...ownSorts,
    ...sortsOfSearch(ownSorts, patientsFound),
    ...sortsOfFilter("identifier", sortsOf([ownByIdentifier, assignedByIdentifier])),
    ...sortsOfFilter(
      "contact",
      sortsOf([ownByContact, assignedPatients], [ownByContact, sortedAssignedPatients]),
    ),
    ...sortsOfFilter(
      "doctor",
      sortsOf([ownPatientsOfDoctor, assignedPatientsOfDoctor], sortedPatientsOfDoctor),
    ),
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
    ...sortsOfSearch(deletedSorts, patientsFound),
    ...sortsOfFilter("identifier", sortsOf([deletedByIdentifier])),
    ...sortsOfFilter("contact", sortsOf([deletedByContact])),
  },
});

/**
 * The caller's patients, and for a doctor's own account those who are assigned to that doctor. With the filter
 * `deleted`: the deleted patients that the caller can restore.
 */
export const listPatients = (caller: Caller, page: PageRequest) =>
  page.filters["deleted"] ? listDeletedPatients(caller, page) : listReadablePatients(caller, page);
