import { truncates } from "bcryptjs";
import { roles } from "../db/schema.ts";
import { body, email, padded, reference, text } from "../http/fields.ts";
import * as z from "../zod.ts";

/** At least 8 characters when it has been trimmed. */
const TRIMMED_8 = "^\\s*[^\\s\\u0000][^\\u0000]{6,}[^\\s\\u0000]\\s*$";

/** bcrypt hashes 72 bytes and ignores the rest: a longer password would be accepted by its beginning. */
const password = text(1024).check(
  z.refine((value) => [...value].length >= 8, "Too short: expected at least 8 characters"),
  z.refine((value) => !truncates(value), "Too long: expected at most 72 bytes of UTF-8"),
  z.meta({ format: "password", minLength: 8, maxLength: 72, allOf: [{ pattern: TRIMMED_8 }] }),
);

// ASCII letters: names that only look alike, and lower case that depends on a locale, have no place in a login.
const USERNAME = /^[A-Za-z0-9@.+_-]*$/;

export const Registration = body(
  {
    username: text(150).check(
      z.regex(USERNAME, "Only letters, digits and @ . + - _"),
      z.meta({ pattern: padded(USERNAME.source.replace("*", "+")) }),
    ),
    email: email(254),
    password,
  },
  ["id"],
);

/** Any text will do for a password here: that it is too long or too short to be one must not show. */
export const Credentials = body({ username: text(150), password: text(1024) });

/** A session's refresh token, as login or refresh gave it. */
export const RefreshToken = body({ refresh: text(1024) });

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
});
export type TokenPair = z.infer<typeof TokenPair>;
