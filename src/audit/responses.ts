import { idSchema } from "../http/fields.ts";
import { eventBase, eventDetails } from "../http/responses.ts";
import * as z from "../zod.ts";

/** An event of the audit log. One about a doctor or an account has its id instead of `patients`. */
export const ListedAuditEvent = z.strictObject({
  ...eventBase,
  ...eventDetails,
  patients: z.optional(z.array(idSchema)),
  doctor: z.optional(idSchema),
  subject: z.optional(idSchema),
});
export type ListedAuditEvent = z.infer<typeof ListedAuditEvent>;
