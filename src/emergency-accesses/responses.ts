import { idSchema } from "../http/fields.ts";
import { timestampSchema } from "../http/responses.ts";
import * as z from "../zod.ts";

/** An emergency access that has not ended. */
export const OpenEmergencyAccess = z.strictObject({
  id: idSchema,
  /** Who has it. */
  account: z.strictObject({ id: idSchema, username: z.string() }),
  patient: idSchema,
  /** Null when an earlier version of the API granted it: the audit log has the reason. */
  reason: z.nullable(z.string()),
  expires_at: timestampSchema,
});
export type OpenEmergencyAccess = z.infer<typeof OpenEmergencyAccess>;
