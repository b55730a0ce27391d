import { clinicKinds, clinicRoles, roles } from "../db/schema.ts";
import { emailField, idSchema } from "../http/fields.ts";
import { timestampSchema } from "../http/responses.ts";
import * as z from "../zod.ts";

/** A new account. */
export const NewAccount = z.strictObject({ id: idSchema, username: z.string(), email: emailField(254) });
export type NewAccount = z.infer<typeof NewAccount>;

/** The clinic in which the caller works, with the caller's role there. */
const OwnClinic = z.strictObject({
  id: idSchema,
  name: z.string(),
  kind: z.enum(clinicKinds),
  role: z.enum(clinicRoles),
});

export const Account = z.extend(NewAccount, { role: z.enum(roles), clinic: OwnClinic });
export type Account = z.infer<typeof Account>;

/** The two tokens of a session (RFC 6749, section 5.1). */
export const TokenPair = z.strictObject({
  access: z.string().check(z.regex(/^[\w-]+\.[\w-]+\.[\w-]+$/)),
  refresh: z.string(),
  token_type: z.literal("Bearer"),
  /** The lifetime of `access`, in seconds. */
  expires_in: z.int().check(z.minimum(1), z.maximum(900)),
  /** The clinic in which the session works. */
  clinic: idSchema,
  /** Present when the account has to change its password first. */
  must_change_password: z.optional(z.literal(true)),
});
export type TokenPair = z.infer<typeof TokenPair>;

/** An open session of the caller. */
export const Session = z.strictObject({
  id: z.uuid(),
  created_at: timestampSchema,
  /** The time of the login or the last refresh. */
  last_used_at: timestampSchema,
  /** When it expires unless it is refreshed. */
  expires_at: timestampSchema,
  user_agent: z.nullable(z.string()),
  /** Of the login or the last refresh. Null also when that was before version 1.2. */
  last_address: z.nullable(z.string()),
  last_user_agent: z.nullable(z.string()),
  /** Whether it is the session of the request's access token. */
  current: z.boolean(),
});
export type Session = z.infer<typeof Session>;
