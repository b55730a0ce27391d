import { outcomes, roles } from "../db/schema.ts";
import * as z from "../zod.ts";
import { reference, text } from "./fields.ts";

// What answers have in common. The Worker sends what the database says: their schemas are for the reference, the client and
// the tests, and responses.ts of a group is imported by the Worker for its types alone.

/** A moment in UTC, to the millisecond. */
export const moment = z.iso
  .datetime({ precision: 3 })
  .check(z.meta({ pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$" }));

/** A patient or a doctor, of the fields that a client writes; the names of its fields are `shownWith` in fields.ts. */
export const recordOf = <Fields extends z.core.$ZodShape>(fields: Fields) =>
  z.strictObject({
    id: reference,
    ...fields,
    // Those of before there was a rule for names, too.
    firstname: text(64),
    lastname: text(64),
    created_by: reference,
    created_at: moment,
    updated_at: moment,
  });

/** An event of the record: which, and when. Ids of events are larger than those of other records. */
export const event = { id: z.int().check(z.positive()), at: moment };

/** What has changed, by field. */
export const changes = z.record(z.string(), z.strictObject({ before: z.unknown(), after: z.unknown() }));

/** Who did what, how it ended, and from where. */
export const circumstances = {
  account: z.nullable(z.strictObject({ id: reference, username: z.string(), role: z.enum(roles) })),
  action: z.string(),
  outcome: z.enum(outcomes),
  address: z.nullable(z.string()),
  request_id: z.nullable(z.uuid()),
  changes: z.optional(changes),
  reason: z.optional(z.string()),
};
