import { sql } from "drizzle-orm";
import { check, index, integer, pgTable, text } from "drizzle-orm/pg-core";
import { foreignKeyTo, isOneOf, timestampColumn, timestampDefaultNow } from "../columns.ts";
import { users } from "./accounts.ts";
import { assignmentColumns } from "./assignments.ts";
import { assignmentRoles } from "./codes.ts";
import { patients } from "./patients.ts";

/**
 * Assignments that have ended, with the ids that they had in `mappings`. They are apart from the current ones, so that
 * they give nobody access to a patient and no list reads past them (docs/decisions/0017-ended-assignments.md).
 */
export const ended_assignments = pgTable(
  "ended_assignments",
  {
    id: integer().primaryKey(),
    patient_id: integer().notNull(),
    /** The owner of the patient, null while the patient is deleted: a copy, as in `mappings`. */
    owner_id: integer(),
    /** Not a foreign key: the doctor may have been deleted since. */
    doctor_id: integer().notNull(),
    /** The doctor's name when the assignment ended. */
    doctor_name: text().notNull(),
    ...assignmentColumns(),
    assigned_at: timestampColumn().notNull(),
    ended_at: timestampDefaultNow(),
    /** The account that has ended it. */
    ended_by: integer().notNull(),
  },
  (t) => [
    foreignKeyTo(
      "ended_assignments_patient_fkey",
      [t.owner_id, t.patient_id],
      [patients.owner_id, patients.id],
    ).onUpdate("cascade"),
    foreignKeyTo("ended_assignments_patient_id_fkey", [t.patient_id], [patients.id]).onDelete("cascade"),
    foreignKeyTo("ended_assignments_ended_by_fkey", [t.ended_by], [users.id]),
    check("ended_assignments_role_check", isOneOf(t.role, assignmentRoles)),
    // Those of an account: by id and by time.
    index("ended_assignments_owner_id_id_idx").on(t.owner_id, t.id),
    index("ended_assignments_owner_id_assigned_at_id_idx").on(t.owner_id, t.assigned_at, t.id),
    // Those of an account and one doctor.
    index("ended_assignments_doctor_owner_id_id_idx").on(t.doctor_id, t.owner_id, t.id),
    index("ended_assignments_doctor_owner_assigned_at_id_idx").on(
      t.doctor_id,
      t.owner_id,
      t.assigned_at,
      t.id,
    ),
    // Those of one doctor to the patients of all accounts, for admins.
    index("ended_assignments_doctor_id_idx").on(t.doctor_id, t.id).where(sql`${t.owner_id} IS NOT NULL`),
    index("ended_assignments_doctor_assigned_at_id_idx")
      .on(t.doctor_id, t.assigned_at, t.id)
      .where(sql`${t.owner_id} IS NOT NULL`),
    index("ended_assignments_patient_id_idx").on(t.patient_id),
  ],
);
