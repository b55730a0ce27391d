import { roles } from "../db/schema.ts";
import { reference } from "../http/fields.ts";
import { moment } from "../http/responses.ts";
import * as z from "../zod.ts";

/** An account as registering answers it. */
export const NewAccount = z.strictObject({ id: reference, username: z.string(), email: z.email() });
export type NewAccount = z.infer<typeof NewAccount>;

export const Account = z.extend(NewAccount, { role: z.enum(roles) });
export type Account = z.infer<typeof Account>;

/** A session's two tokens, as OAuth 2.0 names them (RFC 6749, section 5.1). */
export const TokenPair = z.strictObject({
  access: z.jwt(),
  refresh: z.string(),
  token_type: z.literal("Bearer"),
  /** How long `access` is good, in seconds. */
  expires_in: z.int(),
  /** Only there when the account may do nothing but change its password. */
  must_change_password: z.optional(z.literal(true)),
});
export type TokenPair = z.infer<typeof TokenPair>;

/** A login of one's own that is not over. */
export const Session = z.strictObject({
  id: z.uuid(),
  created_at: moment,
  /** When it was logged in, or last refreshed. */
  last_used_at: moment,
  /** When it is over, unless it is refreshed before. */
  expires_at: moment,
  user_agent: z.nullable(z.string()),
  /** Whether it is the one that asks. */
  current: z.boolean(),
});
export type Session = z.infer<typeof Session>;
