import { outcomes } from "../db/schema.ts";
import { circumstances, event } from "../http/events.ts";
import { idInText, momentInText, reference } from "../http/fields.ts";
import { pageQuery } from "../http/list-query.ts";
import * as z from "../zod.ts";

export const EventsQuery = pageQuery({
  account: idInText,
  patient: idInText,
  action: z.string().check(z.regex(/^[a-z_-]{1,32}$/, "Must be an action, as read or break_glass")),
  outcome: z.enum(outcomes),
  from: momentInText,
  to: momentInText,
}).check(
  z.refine(({ from, to }) => !(from && to && Date.parse(from) > Date.parse(to)), {
    path: ["to"],
    error: "Must not be before from",
  }),
);

/** An event of the record; of one about a doctor or an account the id of that, in place of patients. */
export const AuditEvent = z.strictObject({
  ...event,
  ...circumstances,
  patients: z.optional(z.array(reference)),
  doctor: z.optional(reference),
  subject: z.optional(reference),
});
export type AuditEvent = z.infer<typeof AuditEvent>;
