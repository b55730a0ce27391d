import { genders, specializations } from "../db/schema.ts";
import { reference } from "../http/fields.ts";
import { moment } from "../http/responses.ts";
import * as z from "../zod.ts";

/** As it is answered when it has been made. */
export const Assignment = z.strictObject({
  id: reference,
  patient: reference,
  doctor: reference,
  assigned_at: moment,
});
export type Assignment = z.infer<typeof Assignment>;

export const PatientSummary = z.strictObject({
  id: reference,
  firstname: z.string(),
  lastname: z.string(),
  age: z.int(),
  gender: z.enum(genders),
  created_by: reference,
});

export const DoctorSummary = z.strictObject({
  id: reference,
  firstname: z.string(),
  lastname: z.string(),
  specialization: z.enum(specializations),
  max_appointments_per_day: z.int(),
  gender: z.enum(genders),
  active: z.boolean(),
});

/** As it stands in the list, with its patient and its doctor. */
export const ListedAssignment = z.extend(Assignment, { patient: PatientSummary, doctor: DoctorSummary });
export type ListedAssignment = z.infer<typeof ListedAssignment>;

export const DoctorsOfPatient = z.strictObject({
  patient_id: reference,
  /** First name and last name. */
  patient: z.string(),
  doctors: z.array(DoctorSummary),
});
export type DoctorsOfPatient = z.infer<typeof DoctorsOfPatient>;
