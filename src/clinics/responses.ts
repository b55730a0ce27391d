import { clinicKinds, clinicRoles } from "../db/schema.ts";
import { idSchema } from "../http/fields.ts";
import { timestampSchema } from "../http/responses.ts";
import * as z from "../zod.ts";

export const Clinic = z.strictObject({
  id: idSchema,
  name: z.string(),
  kind: z.enum(clinicKinds),
  /** The API's `TIME_ZONE`, when the clinic has none of its own. */
  time_zone: z.string(),
  active: z.boolean(),
  /** The caller's role; null when an admin is no member. */
  role: z.nullable(z.enum(clinicRoles)),
  created_at: timestampSchema,
  updated_at: timestampSchema,
});
export type Clinic = z.infer<typeof Clinic>;

/** A current member of a clinic. */
export const Member = z.strictObject({
  account: idSchema,
  username: z.string(),
  role: z.enum(clinicRoles),
  created_at: timestampSchema,
});
export type Member = z.infer<typeof Member>;
