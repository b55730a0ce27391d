import { sql } from "drizzle-orm";
import { boolean, check, index, integer, pgTable, text, unique } from "drizzle-orm/pg-core";
import { foreignKeyTo, isOneOf, timestampDefaultNow, uniqueKeyIndex, versionColumn } from "../columns.ts";
import type { UniqueConstraint } from "../errors.ts";
import { assignmentRoles } from "./codes.ts";
import { doctors } from "./doctors.ts";
import { patients } from "./patients.ts";

/** What an assignment says about the doctor. `primary` in JSON. */
export const assignmentColumns = () => ({
  role: text({ enum: assignmentRoles }).notNull().default("attending"),
  is_primary: boolean().notNull().default(false),
  version: versionColumn(),
});

/**
 * Current assignments of doctors to patients. The table is called `mappings`, like the URL. One that ends is moved to
 * `ended_assignments`.
 */
export const assignments = pgTable(
  "mappings",
  {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    patient_id: integer().notNull(),
    /**
     * The owner of the patient, null while the patient is deleted. It is a copy, so that a page of an account's
     * assignments is one index scan. The foreign key (ON UPDATE CASCADE) and a trigger (drizzle/0004_owners.sql) keep
     * it equal.
     */
    owner_id: integer(),
    doctor_id: integer().notNull(),
    assigned_at: timestampDefaultNow(),
    /**
     * The doctor, null while the patient is deleted: a hidden assignment must not prevent the deletion of a doctor.
     */
    current_doctor_id: integer().generatedAlwaysAs(sql`CASE WHEN owner_id IS NOT NULL THEN doctor_id END`),
    ...assignmentColumns(),
  },
  (t) => [
    foreignKeyTo(
      "mappings_patient_fkey",
      [t.owner_id, t.patient_id],
      [patients.owner_id, patients.id],
    ).onUpdate("cascade"),
    foreignKeyTo("mappings_patient_id_fkey", [t.patient_id], [patients.id]).onDelete("cascade"),
    foreignKeyTo("mappings_doctor_fkey", [t.current_doctor_id], [doctors.id]),
    unique("mappings_patient_id_doctor_id_key" satisfies UniqueConstraint).on(t.patient_id, t.doctor_id),
    uniqueKeyIndex("mappings_primary_key").on(t.patient_id).where(sql`${t.is_primary}`),
    check("mappings_role_check", isOneOf(t.role, assignmentRoles)),
    // An account's assignments: by id and by time.
    index("mappings_owner_id_id_idx").on(t.owner_id, t.id),
    index("mappings_owner_id_assigned_at_id_idx").on(t.owner_id, t.assigned_at, t.id),
    // Those of one doctor: by id, and by patient for a list of patients.
    index("mappings_doctor_owner_id_id_idx").on(t.current_doctor_id, t.owner_id, t.id),
    index("mappings_doctor_owner_id_patient_id_idx").on(t.current_doctor_id, t.owner_id, t.patient_id),
    // A doctor's assignments to the patients of all accounts, for admins and the doctor's own account: by id and by
    // time.
    index("mappings_doctor_id_idx").on(t.current_doctor_id, t.id),
    index("mappings_doctor_assigned_at_id_idx").on(t.current_doctor_id, t.assigned_at, t.id),
    // A doctor's patients, for the doctor's own account.
    index("mappings_doctor_patient_id_idx").on(t.current_doctor_id, t.patient_id),
  ],
);
