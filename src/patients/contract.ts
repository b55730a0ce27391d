import * as z from "zod";
import { genders } from "../db/schema.ts";
import { body, email, readOnlyFields, text } from "../http/fields.ts";

const fields = {
  firstname: text(64),
  lastname: text(64),
  email: email(128),
  age: z.int().min(0).max(120),
  gender: z.enum(genders),
};

export const NewPatient = body(fields, readOnlyFields);
export type NewPatient = z.infer<typeof NewPatient>;

/** What is left out stays as it is, for `PUT` as for `PATCH`. */
export const PatientChanges = body(z.object(fields).partial().shape, readOnlyFields);
export type PatientChanges = z.infer<typeof PatientChanges>;
