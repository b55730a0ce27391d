import { reference } from "../http/fields.ts";
import { circumstances, event } from "../http/responses.ts";
import * as z from "../zod.ts";

/** An event of the record; of one about a doctor or an account the id of that, in place of patients. */
export const AuditEvent = z.strictObject({
  ...event,
  ...circumstances,
  patients: z.optional(z.array(reference)),
  doctor: z.optional(reference),
  subject: z.optional(reference),
});
export type AuditEvent = z.infer<typeof AuditEvent>;
