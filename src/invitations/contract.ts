import { roles } from "../db/schema.ts";
import { body, email, moment, reference } from "../http/fields.ts";
import { listQuery } from "../http/list-query.ts";
import * as z from "../zod.ts";

export const InvitationsQuery = listQuery({}, ["id"]);

/** Whom an admin asks to register. */
export const NewInvitation = body({ email: email(254), role: z.enum(roles) });

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
