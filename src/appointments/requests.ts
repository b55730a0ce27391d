import { appointmentStatuses } from "../db/schema.ts";
import { bodyRule, hasFields, patchBody, requestBody } from "../http/body-schemas.ts";
import { idParam, idSchema, reasonField, rule, storableText, timestampParam } from "../http/fields.ts";
import { defineListQuery } from "../http/pagination.ts";
import { minuteField, minutesField } from "../http/time-fields.ts";
import * as z from "../zod.ts";

const statusField = z.enum(appointmentStatuses);

/** `from` ≤ `starts_at` < `to`. Sorted by `starts_at` when `sort` is left out. */
export const AppointmentsQuery = defineListQuery(
  {
    patient: idParam,
    doctor: idParam,
    status: statusField,
    from: timestampParam,
    to: timestampParam,
  },
  ["starts_at", "id"],
).check(
  rule(
    ({ from, to }) => !(from && to && Date.parse(from) > Date.parse(to)),
    "too_small",
    "Must not be before from",
    "to",
  ),
);

/** A text of at most `max` characters that may be missing: null and a blank one are stored as NULL. */
const optionalText = (max: number) =>
  z.pipe(
    z.nullable(
      z.string().check(
        storableText,
        z.trim(),
        rule((value) => [...value].length <= max, "too_long", `Too long: expected at most ${max} characters`),
        z.meta({ maxLength: max, pattern: "^[^\\u0000]*$" }),
      ),
    ),
    z.transform((text) => text || null),
  );

const note = optionalText(500);

/** The fields that the API sets. */
const readOnly = ["id", "ends_at", "day", "time_zone", "created_by", "created_at", "updated_at", "version"];

/** Without `minutes`, it is as long as the doctor's slots. */
export const NewAppointment = requestBody(
  {
    patient: idSchema,
    doctor: idSchema,
    starts_at: minuteField,
    minutes: z.optional(minutesField),
    note: z.optional(note),
    override_reason: z.optional(z.nullable(reasonField)),
  },
  [...readOnly, "status", "cancel_reason"],
);

/** The fields that move an appointment. */
const moveFields = {
  starts_at: minuteField,
  minutes: minutesField,
  doctor: idSchema,
  override_reason: z.nullable(reasonField),
};
const markFields = { status: statusField, cancel_reason: optionalText(200) };

type Changes = Record<string, unknown>;

/** Whether a change moves the appointment: it has one of the fields of a move. */
export const isMove = (changes: Changes): boolean => hasAny(changes, moveFields);

const hasAny = (changes: Changes, fields: object): boolean =>
  Object.keys(fields).some((name) => changes[name] !== undefined);

/** In JSON Schema: a body with one of these fields. */
const hasAnyField = (fields: object) => ({ anyOf: Object.keys(fields).map((name) => hasFields(name)) });

const reasonWithoutCancel = {
  ...hasFields("cancel_reason"),
  not: { properties: { status: { const: "cancelled" } }, required: ["status"] },
};

/** A move, or a new status. A note may come with either, or alone. */
export const AppointmentChanges = patchBody(
  { ...moveFields, ...markFields, note },
  [...readOnly, "patient"],
  [
    bodyRule<Changes>(
      (changes) => !(hasAny(changes, moveFields) && changes["status"] !== undefined),
      "invalid_value",
      "Must be left out when the appointment is moved",
      "status",
    ),
    bodyRule<Changes>(
      ({ status, cancel_reason }) => cancel_reason === undefined || status === "cancelled",
      "invalid_value",
      "Must be left out unless status is cancelled",
      "cancel_reason",
    ),
    z.meta({
      not: { anyOf: [{ allOf: [hasAnyField(moveFields), hasAnyField(markFields)] }, reasonWithoutCancel] },
    }),
  ],
);
