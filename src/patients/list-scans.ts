import { type SQL, sql } from "drizzle-orm";
import { emailKey } from "../db/columns.ts";
import { callerClinicId, callerDoctorId, callerIsDoctor } from "../db/query/caller.ts";
import { type IndexScan, lateralJoin } from "../db/query/list.ts";
import { intParam, param } from "../db/statement.ts";
import { isIdentifierSought } from "./identifier-checks.ts";

// The index scans of the lists of patients: those without a filter, and for each filter with scans of its own.

export const doctor = intParam("doctor");
export const email = sql`${param("email")}::text`;
export const phone = sql`${param("phone")}::text`;

export const isOfDoctor = sql`(
      SELECT true FROM mappings m WHERE m.patient_id = p.id AND m.doctor_id = ${doctor})`;

/** The patients of the clinic in which the caller works. */
export const ownPatients: IndexScan = { from: sql`patients p`, equals: [["p.owner_id", callerClinicId]] };
export const ownDeletedPatients: IndexScan = {
  from: sql`patients p`,
  equals: [["p.deleted_from", callerClinicId]],
  condition: sql`p.deleted_at IS NOT NULL`,
};

/** Own or deleted patients whose names the parameter `search` finds. `OFFSET 0`: only the index of names is used for it. */
export const patientsFound = sql`(
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
export const ownByContact: IndexScan = {
  from: patientsByContact(sql`owner_id = ${callerClinicId}`, sql`${callerClinicId} || ':'`),
};
export const deletedByContact: IndexScan = {
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
export const ownByIdentifier: IndexScan = { from: patientsByIdentifier(sql`i.owner_id = ${callerClinicId}`) };
export const deletedByIdentifier: IndexScan = {
  from: patientsByIdentifier(sql`i.owner_id IS NULL`),
  condition: sql`p.deleted_from = ${callerClinicId}`,
};

const joinPatient = lateralJoin("patients", "p", "m.patient_id");
/** The caller's own patients of one doctor. */
export const ownPatientsOfDoctor: IndexScan = {
  from: sql`mappings m ${joinPatient}`,
  equals: [
    ["m.current_doctor_id", doctor],
    ["m.owner_id", callerClinicId],
  ],
  order: ["m.patient_id"],
};

/** The patients who are assigned to the doctor whose own account is calling. */
export const assignedPatients: IndexScan = {
  from: sql`mappings m ${joinPatient}`,
  equals: [["m.current_doctor_id", callerDoctorId]],
  order: ["m.patient_id"],
  condition: callerIsDoctor,
};
/** Those of them who are also assigned to the doctor of the parameter `doctor`. */
export const assignedPatientsOfDoctor: IndexScan = {
  ...assignedPatients,
  condition: sql`${callerIsDoctor} AND ${isOfDoctor}`,
};
/**
 * Like `assignedPatients`, in another order. No index has it, so they are sorted: a doctor has some hundreds or
 * thousands of patients. `OFFSET 0`: the planner plans the subquery by itself.
 */
export const sortedAssignedPatients: IndexScan = {
  from: sql`(
        SELECT p.* FROM mappings m ${joinPatient}
        WHERE m.current_doctor_id = ${callerDoctorId} OFFSET 0
      ) p`,
  condition: callerIsDoctor,
};

/** The assigned patients with the parameter `identifier`. */
export const assignedByIdentifier: IndexScan = {
  from: patientsByIdentifier(sql`i.owner_id IS NOT NULL AND EXISTS (
          SELECT FROM mappings m WHERE m.patient_id = i.patient_id AND m.doctor_id = ${callerDoctorId})`),
  condition: callerIsDoctor,
};

/** In another order than by id: the caller's own patients of one doctor, and the assigned ones of that doctor. */
export const sortedPatientsOfDoctor: IndexScan[] = [
  {
    from: sql`(
        SELECT p.* FROM mappings m ${joinPatient}
        WHERE m.current_doctor_id = ${doctor} AND m.owner_id = ${callerClinicId} OFFSET 0
      ) p`,
  },
  { ...sortedAssignedPatients, condition: sql`${callerIsDoctor} AND ${isOfDoctor}` },
];
