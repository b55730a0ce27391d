import * as z from "zod";
import { genders, specializations } from "../db/schema.ts";
import { body, email, moment, readOnlyFields, reference, text } from "../http/fields.ts";

const fields = {
  firstname: text(64),
  lastname: text(64),
  email: email(128),
  gender: z.enum(genders),
  specialization: z.enum(specializations),
  max_appointments_per_day: z.int().min(0).max(1000),
};

export const NewDoctor = body(
  { ...fields, max_appointments_per_day: fields.max_appointments_per_day.default(10) },
  readOnlyFields,
);

/** What is left out stays as it is, for `PUT` as for `PATCH`. */
export const DoctorChanges = body(z.object(fields).partial().shape, readOnlyFields);

export const Doctor = z.strictObject({
  id: reference,
  ...fields,
  created_by: reference,
  created_at: moment,
  updated_at: moment,
});
export type Doctor = z.infer<typeof Doctor>;
