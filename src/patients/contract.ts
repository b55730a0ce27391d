import { genders } from "../db/schema.ts";
import { body, email, moment, readOnlyFields, reference, text } from "../http/fields.ts";
import * as z from "../zod.ts";

/** What a client writes. */
export const fields = {
  firstname: text(64),
  lastname: text(64),
  email: email(128),
  age: z.int().check(z.minimum(0), z.maximum(120)),
  gender: z.enum(genders),
};

export const NewPatient = body(fields, readOnlyFields);

/** What is left out stays as it is, for `PUT` as for `PATCH`. */
export const PatientChanges = body(z.partial(z.object(fields)).shape, readOnlyFields);

export const Patient = z.strictObject({
  id: reference,
  ...fields,
  created_by: reference,
  created_at: moment,
  updated_at: moment,
});
export type Patient = z.infer<typeof Patient>;
