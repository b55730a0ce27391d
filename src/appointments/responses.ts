import { appointmentStatuses } from "../db/schema.ts";
import { idSchema } from "../http/fields.ts";
import { timestampSchema, versionSchema } from "../http/responses.ts";
import * as z from "../zod.ts";

const textSchema = (max: number) => z.nullable(z.string().check(z.maxLength(max)));

export const Appointment = z.strictObject({
  id: idSchema,
  patient: idSchema,
  doctor: idSchema,
  starts_at: timestampSchema,
  ends_at: timestampSchema,
  /** The date of `starts_at` in the time zone. */
  day: z.iso.date().check(z.meta({ pattern: "^\\d{4}-\\d\\d-\\d\\d$" })),
  time_zone: z.string().check(z.maxLength(64)),
  status: z.enum(appointmentStatuses),
  note: textSchema(500),
  cancel_reason: textSchema(200),
  override_reason: textSchema(500),
  created_by: idSchema,
  created_at: timestampSchema,
  updated_at: timestampSchema,
  version: versionSchema,
});
export type Appointment = z.infer<typeof Appointment>;
