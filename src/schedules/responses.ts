import { idSchema } from "../http/fields.ts";
import { boundedArray, timestampSchema, versionSchema } from "../http/responses.ts";
import { minutesField } from "../http/time-fields.ts";
import * as z from "../zod.ts";
import { hoursEntry, MAX_HOURS } from "./requests.ts";

export const Schedule = z.strictObject({
  doctor: idSchema,
  /** As it was sent. */
  time_zone: z.string(),
  slot_minutes: minutesField,
  /** Those that touch or overlap are one; one over midnight is two. */
  hours: boundedArray(hoursEntry, MAX_HOURS),
  updated_at: timestampSchema,
  version: versionSchema,
});
export type Schedule = z.infer<typeof Schedule>;

/** A time at which the doctor is free. */
const Slot = z.strictObject({
  starts_at: timestampSchema,
  ends_at: timestampSchema,
  /** The date in the doctor's time zone. */
  day: z.iso.date().check(z.meta({ pattern: "^\\d{4}-\\d\\d-\\d\\d$" })),
});

/** The free slots of a doctor. `time_zone` is null without a schedule, `minutes` too unless they were asked for. */
export const DoctorSlots = z.strictObject({
  doctor: idSchema,
  time_zone: z.nullable(z.string()),
  minutes: z.nullable(minutesField),
  slots: boundedArray(Slot, 1000),
});
export type DoctorSlots = z.infer<typeof DoctorSlots>;

/** The first free slots of a doctor. */
export const EarliestSlots = z.strictObject({
  doctor: idSchema,
  time_zone: z.string(),
  slots: boundedArray(Slot, 3),
});
export type EarliestSlots = z.infer<typeof EarliestSlots>;

export const Absence = z.strictObject({
  id: idSchema,
  doctor: idSchema,
  starts_at: timestampSchema,
  ends_at: timestampSchema,
  created_by: idSchema,
  created_at: timestampSchema,
});
export type Absence = z.infer<typeof Absence>;
