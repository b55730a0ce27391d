import { genders } from "../db/schema.ts";
import { changes, circumstances, event } from "../http/events.ts";
import {
  body,
  email,
  flag,
  idInText,
  moment,
  name,
  readOnlyFields,
  reference,
  search,
  text,
  wholeNumber,
} from "../http/fields.ts";
import { listQuery, pageQuery } from "../http/list-query.ts";
import * as z from "../zod.ts";

/** What a client writes. */
export const fields = {
  firstname: name(64),
  lastname: name(64),
  email: email(128),
  age: z.int().check(z.minimum(0), z.maximum(120)),
  gender: z.enum(genders),
};

export const PatientsQuery = listQuery(
  {
    search,
    gender: fields.gender,
    min_age: wholeNumber(0, 120),
    max_age: wholeNumber(0, 120),
    doctor: idInText,
    deleted: flag,
  },
  ["id", "lastname", "created_at"],
).check(
  // Not "at most": it is asked of what is no number, too; and of nothing at all, of which nothing is wrong.
  z.refine(({ min_age, max_age }) => !(Number(min_age) > Number(max_age)), {
    path: ["max_age"],
    error: "Must not be less than min_age",
  }),
);

export const NewPatient = body(fields, readOnlyFields);

/** What is left out stays as it is, for `PUT` as for `PATCH`. */
export const PatientChanges = body(z.partial(z.object(fields)).shape, readOnlyFields);

export const Patient = z.strictObject({
  id: reference,
  ...fields,
  // Those of before there was a rule for names, too.
  firstname: text(64),
  lastname: text(64),
  created_by: reference,
  created_at: moment,
  updated_at: moment,
});
export type Patient = z.infer<typeof Patient>;

/** Whether the lines of an import that are fine are taken when others are refused. */
export const ImportQuery = z.strictObject(
  { partial: z.optional(flag) },
  { error: ({ code }) => (code === "unrecognized_keys" ? "Unknown: an import knows partial" : undefined) },
);

/** Pages of what is on record of a patient. */
export const RecordQuery = pageQuery({});

/** What has changed a patient. */
export const Change = z.strictObject({
  ...event,
  account: z.nullable(z.strictObject({ id: reference, username: z.string() })),
  action: z.string(),
  changes,
});
export type Change = z.infer<typeof Change>;

/** Who has looked at a patient, or changed it, or tried to. */
export const Access = z.strictObject({ ...event, ...circumstances });
export type Access = z.infer<typeof Access>;

/** Whether a patient is restored without the assignments whose doctors are gone. */
export const RestoreQuery = z.strictObject(
  { partial: z.optional(flag) },
  { error: ({ code }) => (code === "unrecognized_keys" ? "Unknown: restoring knows partial" : undefined) },
);
/** A patient that is there again, with the doctors of its assignments. */
export const Restored = z.strictObject({ id: reference, doctors: z.array(reference) });
export type Restored = z.infer<typeof Restored>;

/** The account that a patient is handed over to. */
export const Receiver = body({ to: reference });
export const HandedOver = z.strictObject({ id: reference, owner: reference });
export type HandedOver = z.infer<typeof HandedOver>;

/** The account whose patients are handed over, and the one that gets them. */
export const AccountTransfer = body({ from: reference, to: reference }).check(
  z.refine(({ from, to }) => from !== to, { path: ["to"], error: "Must be another account" }),
);
export const HandedOverAll = z.strictObject({
  /** How many. */
  transferred: z.int(),
  /** Those that stay, for the receiver has a patient with their email. */
  conflicts: z.array(reference),
  /** Whether there are more, for the same request again. */
  more: z.boolean(),
});
export type HandedOverAll = z.infer<typeof HandedOverAll>;

/** Why an admin must see a patient of somebody else's. */
export const Reason = body({ reason: text(500) });
export const EmergencyAccess = z.strictObject({ patient: reference, reason: z.string(), expires_at: moment });
export type EmergencyAccess = z.infer<typeof EmergencyAccess>;

/** What came of an import, by the lines of the file, counted from 1. */
export const Imported = z.strictObject({
  created: z.array(z.strictObject({ line: reference, id: reference })),
  refused: z.array(z.strictObject({ line: reference, errors: z.record(z.string(), z.array(z.string())) })),
});
export type Imported = z.infer<typeof Imported>;
