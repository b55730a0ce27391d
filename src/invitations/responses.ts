import { roles } from "../db/schema.ts";
import { reference } from "../http/fields.ts";
import { moment } from "../http/responses.ts";
import * as z from "../zod.ts";

const common = { id: reference, email: z.string(), role: z.enum(roles) };

/** An invitation that has just been made: its code is shown this once. */
export const IssuedInvitation = z.strictObject({ ...common, code: z.string(), expires_at: moment });
export type IssuedInvitation = z.infer<typeof IssuedInvitation>;

/** An invitation that nobody has used yet. */
export const Invitation = z.strictObject({
  ...common,
  /** The admin's account. */
  created_by: reference,
  created_at: moment,
  expires_at: moment,
});
export type Invitation = z.infer<typeof Invitation>;
