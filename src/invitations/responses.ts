import { clinicRoles, roles } from "../db/schema.ts";
import { emailField, idSchema } from "../http/fields.ts";
import { timestampSchema } from "../http/responses.ts";
import * as z from "../zod.ts";

const common = {
  id: idSchema,
  email: emailField(254),
  role: z.enum(roles),
  /** The shared clinic that the new account becomes a member of, and its role there; null for none. */
  clinic: z.nullable(idSchema),
  clinic_role: z.nullable(z.enum(clinicRoles)),
};

/** A new invitation. Its code is not stored, so that no other response has it. */
export const IssuedInvitation = z.strictObject({ ...common, code: z.string(), expires_at: timestampSchema });
export type IssuedInvitation = z.infer<typeof IssuedInvitation>;

/** An invitation that can still be used. */
export const Invitation = z.strictObject({
  ...common,
  /** The admin's account; null for an operator. */
  created_by: z.nullable(idSchema),
  created_at: timestampSchema,
  expires_at: timestampSchema,
});
export type Invitation = z.infer<typeof Invitation>;
