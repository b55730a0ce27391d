import { truncates } from "bcryptjs";
import { body, email, padded, rule, storable, text } from "../http/fields.ts";
import * as z from "../zod.ts";
import { isCommon } from "./passwords.ts";

/** A password as it is typed. That it is too long or too short to be one must not show where it is compared. */
const typed = z.string().check(
  storable,
  z.minLength(1, "Required"),
  rule((value) => [...value].length <= 1024, "Too long: expected at most 1024 characters"),
  z.meta({ format: "password", minLength: 1, maxLength: 1024, pattern: "^[^\\u0000]*$" }),
);

/** One character, and nothing else. */
const REPEATED = "^([\\s\\S])\\1*$";

/**
 * A new password, after NIST SP 800-63B-4, section 3.1.1: of any characters, in Unicode's normal form, and none that attackers try
 * first. bcrypt hashes 72 bytes and ignores the rest: a longer one would be accepted by its beginning.
 */
const newPassword = z.string().check(
  storable,
  z.normalize("NFC"),
  rule((value) => [...value].length >= 8, "Too short: expected at least 8 characters"),
  rule((value) => !truncates(value), "Too long: expected at most 72 bytes of UTF-8"),
  rule((value) => !isCommon(value), "Too common: many use it, and it is among the first that are tried"),
  rule((value) => !new RegExp(REPEATED, "u").test(value), "Must not be one character repeated"),
  z.meta({ format: "password", minLength: 8, maxLength: 72, pattern: `(?!${REPEATED})^[^\\u0000]*$` }),
);

/** Why a new password is no good for this account: it is one of its names. `undefined` when it is none. */
export function ownNameFault(
  password: string,
  { username, email }: { username: string; email: string },
): string | undefined {
  const same = (name: string) => name.toLowerCase() === password.toLowerCase();
  if (same(username)) return "Must not be the username";
  return same(email) || same(email.split("@")[0] ?? "") ? "Must not be the email or its name" : undefined;
}

// ASCII letters: names that only look alike, and lower case that depends on a locale, have no place in a login.
const USERNAME = /^[A-Za-z0-9@.+_-]*$/;

export const Registration = body(
  {
    username: text(150).check(
      z.regex(USERNAME, "Only letters, digits and @ . + - _"),
      z.meta({ pattern: padded(USERNAME.source.replace("*", "+")) }),
    ),
    email: email(254),
    password: newPassword,
    /** The code of an invitation. */
    invitation: z.optional(text(128)),
  },
  ["id"],
).check(({ value, issues }) => {
  const message = ownNameFault(value.password, value);
  if (message) issues.push({ code: "custom", path: ["password"], message, input: value });
});

export const Credentials = body({ username: text(150), password: typed });

export const PasswordChange = body({ current: typed, new: newPassword });

/** A session's refresh token, as login or refresh gave it. */
export const RefreshToken = body({ refresh: text(1024) });

/** A path that names a session: `/:id/`. */
export const SessionById = z.object({ id: z.uuid() });
