import { genders, specializations } from "../db/schema.ts";
import {
  body,
  bodyOfChange,
  email,
  flag,
  idInText,
  name,
  readOnlyFields,
  search,
  shownWith,
} from "../http/fields.ts";
import { listQuery } from "../http/list-query.ts";
import * as z from "../zod.ts";

/** What a client writes. */
export const fields = {
  firstname: name,
  lastname: name,
  email: email(128),
  gender: z.enum(genders),
  specialization: z.enum(specializations),
  max_appointments_per_day: z.int().check(z.minimum(0), z.maximum(1000)),
  active: z.boolean(),
};

/** What an answer shows, in this order. */
export const shownFields = shownWith(fields);

export const DoctorsQuery = listQuery(
  { search, specialization: fields.specialization, active: flag, patient: idInText },
  ["id", "lastname", "created_at"],
);

export const NewDoctor = body(
  {
    ...fields,
    max_appointments_per_day: z._default(fields.max_appointments_per_day, 10),
    active: z._default(fields.active, true),
  },
  readOnlyFields,
);

export const DoctorChanges = bodyOfChange(fields, readOnlyFields);
