import { genders } from "../db/schema.ts";
import {
  body,
  bodyOfChange,
  email,
  flag,
  idInText,
  name,
  readOnlyFields,
  reference,
  rule,
  search,
  shownWith,
  text,
  wholeNumber,
} from "../http/fields.ts";
import { listQuery, pageQuery } from "../http/list-query.ts";
import * as z from "../zod.ts";

/** What a client writes. */
export const fields = {
  firstname: name,
  lastname: name,
  email: email(128),
  age: z.int().check(z.minimum(0), z.maximum(120)),
  gender: z.enum(genders),
};

/** What an answer shows, in this order. */
export const shownFields = shownWith(fields);

const age = wholeNumber(0, 120);

export const PatientsQuery = listQuery(
  {
    search,
    gender: fields.gender,
    min_age: age,
    max_age: age,
    doctor: idInText,
    deleted: flag,
  },
  ["id", "lastname", "created_at"],
).check(
  // Not "at most": it is asked of what is no number, too; and of nothing at all, of which nothing is wrong.
  rule(
    ({ min_age, max_age }) => !(Number(min_age) > Number(max_age)),
    "Must not be less than min_age",
    "max_age",
  ),
);

export const NewPatient = body(fields, readOnlyFields);

export const PatientChanges = bodyOfChange(fields, readOnlyFields);

/** Whether the lines of an import that are fine are taken when others are refused. */
export const ImportQuery = z.strictObject(
  { partial: z.optional(flag) },
  { error: ({ code }) => (code === "unrecognized_keys" ? "Unknown: an import knows partial" : undefined) },
);

/** Pages of what is on record of a patient. */
export const RecordQuery = pageQuery({});

/** Whether a patient is restored without the assignments whose doctors are gone. */
export const RestoreQuery = z.strictObject(
  { partial: z.optional(flag) },
  { error: ({ code }) => (code === "unrecognized_keys" ? "Unknown: restoring knows partial" : undefined) },
);

/** The account that a patient is handed over to. */
export const Receiver = body({ to: reference });

/** The account whose patients are handed over, and the one that gets them. */
export const AccountTransfer = body({ from: reference, to: reference }).check(
  rule(({ from, to }) => from !== to, "Must be another account", "to"),
);

/** Why an admin must see a patient of somebody else's. */
export const Reason = body({ reason: text(500) });
