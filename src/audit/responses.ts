import { idSchema } from "../http/fields.ts";
import { boundedArray, eventBase, eventDetails, MANY, timestampSchema } from "../http/responses.ts";
import * as z from "../zod.ts";

/**
 * An event of the audit log. One about a doctor or an account has its id instead of `patients`; the event of a link of
 * an account to a doctor, and one about the patients of a doctor, have both. A change of a patient or of an appointment has
 * `changed_fields`, all others `changes`.
 */
export const ListedAuditEvent = z.strictObject({
  ...eventBase,
  ...eventDetails,
  changed_fields: z.optional(boundedArray(z.string(), 20)),
  patients: z.optional(boundedArray(idSchema, MANY)),
  doctor: z.optional(idSchema),
  subject: z.optional(idSchema),
});
export type ListedAuditEvent = z.infer<typeof ListedAuditEvent>;

const sha256Schema = z.string().check(z.regex(/^[0-9a-f]{64}$/));

/** The digest of a day of the audit log. */
export const AuditDigest = z.strictObject({
  day: z.iso.date().check(z.meta({ pattern: "^\\d{4}-\\d\\d-\\d\\d$" })),
  events: z.int().check(z.nonnegative()),
  first_id: z.nullable(z.int()),
  last_id: z.nullable(z.int()),
  sha256: sha256Schema,
  hmac: sha256Schema,
  closed_at: timestampSchema,
});
export type AuditDigest = z.infer<typeof AuditDigest>;
