import { outcomes, roles } from "../db/schema.ts";
import * as z from "../zod.ts";
import { moment, reference } from "./fields.ts";

// What events of the record have in common, in whatever answer.

/** Which event, and when. Ids of events are larger than those of other records. */
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
