import { idSchema } from "../http/fields.ts";
import { timestampSchema } from "../http/responses.ts";
import * as z from "../zod.ts";

const common = {
  id: idSchema,
  label: z.string().check(z.minLength(1), z.maxLength(100)),
  /** The account's own doctor, whose appointments it has; null for those of the clinic. */
  doctor: z.nullable(idSchema),
  clinic: idSchema,
  created_at: timestampSchema,
  last_used_at: z.nullable(timestampSchema),
};

/** A calendar feed. Its URL is not stored, so that no response but the first one has it. */
export const CalendarFeed = z.strictObject(common);
export type CalendarFeed = z.infer<typeof CalendarFeed>;

/** A new calendar feed. */
export const IssuedCalendarFeed = z.strictObject({ ...common, url: z.url() });
export type IssuedCalendarFeed = z.infer<typeof IssuedCalendarFeed>;
