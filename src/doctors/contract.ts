import * as z from "zod";
import { genders, specializations } from "../db/schema.ts";
import { body, email, readOnlyFields, text } from "../http/fields.ts";

const fields = {
  firstname: text(64),
  lastname: text(64),
  email: email(128),
  gender: z.enum(genders),
  specialization: z.enum(specializations),
  /** Left out, the table's default: 10. */
  max_appointments_per_day: z.int().min(0).max(1000).optional(),
};

export const NewDoctor = body(fields, readOnlyFields);
export type NewDoctor = z.infer<typeof NewDoctor>;

/** What is left out stays as it is, for `PUT` as for `PATCH`. */
export const DoctorChanges = body(z.object(fields).partial().shape, readOnlyFields);
export type DoctorChanges = z.infer<typeof DoctorChanges>;
