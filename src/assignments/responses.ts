import { assignmentRoles, genders, specializations } from "../db/schema.ts";
import { idSchema } from "../http/fields.ts";
import { boundedArray, MANY, timestampSchema, versionSchema } from "../http/responses.ts";
import * as z from "../zod.ts";

/** A new or changed assignment. */
export const Assignment = z.strictObject({
  id: idSchema,
  patient: idSchema,
  doctor: idSchema,
  assigned_at: timestampSchema,
  role: z.enum(assignmentRoles),
  primary: z.boolean(),
  ended_at: z.nullable(timestampSchema),
  ended_by: z.nullable(idSchema),
  version: versionSchema,
});
export type Assignment = z.infer<typeof Assignment>;

export const PatientSummary = z.strictObject({
  id: idSchema,
  firstname: z.string(),
  lastname: z.string(),
  age: z.int().check(z.minimum(0), z.maximum(150)),
  gender: z.enum(genders),
  created_by: idSchema,
});

export const DoctorSummary = z.strictObject({
  id: idSchema,
  firstname: z.string(),
  lastname: z.string(),
  specialization: z.enum(specializations),
  max_appointments_per_day: z.int().check(z.minimum(0), z.maximum(1000)),
  gender: z.enum(genders),
  active: z.boolean(),
});

/** An assignment in a list, with its patient and its doctor. Only of an ended one the doctor can be deleted. */
export const ListedAssignment = z.extend(Assignment, {
  patient: PatientSummary,
  doctor: z.nullable(DoctorSummary),
  /** The doctor's name when the assignment ended. */
  doctor_name: z.optional(z.string()),
});
export type ListedAssignment = z.infer<typeof ListedAssignment>;

export const DoctorsOfPatient = z.strictObject({
  patient_id: idSchema,
  /** First and last name, or the one that there is. */
  patient: z.string(),
  doctors: boundedArray(DoctorSummary, MANY),
});
export type DoctorsOfPatient = z.infer<typeof DoctorsOfPatient>;
