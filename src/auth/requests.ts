import type { Config } from "../config.ts";
import { roles } from "../db/schema.ts";
import { requestBody } from "../http/body-schemas.ts";
import {
  emailField,
  idSchema,
  normalizedText,
  rule,
  storableText,
  textField,
  trimmedPattern,
} from "../http/fields.ts";
import type { FieldError } from "../http/problems.ts";
import * as z from "../zod.ts";
import { type CommonPasswordCheck, loadCommonPasswordCheck } from "./common-passwords.ts";

/**
 * A password that is compared with a stored one. It has no rules of its own: an error would tell that it cannot be
 * right.
 */
const typedPassword = z.string().check(
  storableText,
  rule((value) => value !== "", "required", "Required"),
  rule((value) => [...value].length <= 1024, "too_long", "Too long: expected at most 1024 characters"),
  z.meta({ format: "password", minLength: 1, maxLength: 1024, pattern: "^[^\\u0000]*$" }),
);

/** The rules of new passwords that depend on the configuration or on a file. */
interface PasswordRules {
  /** In characters. */
  minLength: number;
  isCommon: CommonPasswordCheck;
}

/** The rules that the OpenAPI document can describe. */
const documentedRules: PasswordRules = { minLength: 8, isCommon: () => false };

/** The rules of this installation. */
export const loadPasswordRules = async ({
  PASSWORD_MIN_LENGTH,
}: Pick<Config, "PASSWORD_MIN_LENGTH">): Promise<PasswordRules> => ({
  minLength: PASSWORD_MIN_LENGTH,
  isCommon: await loadCommonPasswordCheck(),
});

const MAX_PASSWORD_BYTES = 256;

const isTooLong = (password: string) => new TextEncoder().encode(password).length > MAX_PASSWORD_BYTES;

/** One character repeated. */
const REPEATED = "^([\\s\\S])\\1*$";

/**
 * A new password (NIST SP 800-63B-4, section 3.1.1): any characters, in Unicode's normal form NFC, and not a common
 * password.
 */
const newPassword = ({ minLength, isCommon }: PasswordRules) =>
  z.string().check(
    storableText,
    normalizedText(MAX_PASSWORD_BYTES),
    rule(
      (value) => [...value].length >= minLength,
      "too_short",
      `Too short: expected at least ${minLength} characters`,
    ),
    rule(
      (value) => !isTooLong(value),
      "too_long",
      `Too long: expected at most ${MAX_PASSWORD_BYTES} bytes of UTF-8`,
    ),
    // A longer one is not looked up: the time grows with the square of its length.
    rule(
      (value) => isTooLong(value) || !isCommon(value),
      "password_too_common",
      "Too common: choose a password that fewer people use",
    ),
    rule(
      (value) => !new RegExp(REPEATED, "u").test(value),
      "password_one_character",
      "Must not be one character repeated",
    ),
    z.meta({
      format: "password",
      minLength,
      maxLength: MAX_PASSWORD_BYTES,
      pattern: `(?!${REPEATED})^[^\\u0000]*$`,
    }),
  );

/** The error of a new password that is the username or the email of its account; `undefined` when it is neither. */
export function ownNameError(
  password: string,
  { username, email }: { username: string; email: string },
): FieldError | undefined {
  const isSame = (name: string) => name.toLowerCase() === password.toLowerCase();
  if (isSame(username)) return { code: "password_is_username", message: "Must not be the username" };
  return isSame(email) || isSame(email.split("@")[0] ?? "")
    ? { code: "password_is_email", message: "Must not be the email or the part before its @" }
    : undefined;
}

// ASCII letters only: others look alike, and their lower case can depend on the locale.
const USERNAME = /^[A-Za-z0-9@.+_-]*$/;

/** The body of a registration. */
export const registrationBody = (rules: PasswordRules) =>
  requestBody(
    {
      username: textField(150).check(
        z.regex(USERNAME, "Only letters, digits and @ . + - _"),
        z.meta({ pattern: trimmedPattern(USERNAME.source.replace("*", "+")) }),
      ),
      email: emailField(254),
      password: newPassword(rules),
      /** The code of an invitation. */
      invitation: z.optional(textField(128)),
    },
    ["id"],
  ).check(({ value, issues }) => {
    const error = ownNameError(value.password, value);
    if (!error) return;
    const { code, message } = error;
    issues.push({ code: "custom", params: { code }, path: ["password"], message, input: value });
  });

export const Registration = registrationBody(documentedRules);

export const Credentials = requestBody({
  username: textField(150),
  password: typedPassword,
  /** The clinic in which the session works. */
  clinic: z.optional(idSchema),
});

/** The body of a password change. */
export const passwordChangeBody = (rules: PasswordRules) =>
  requestBody({ current: typedPassword, new: newPassword(rules) });

export const PasswordChange = passwordChangeBody(documentedRules);

/** A change of the caller's own account. The `username` and the `role` may only be sent back as they are. */
export const OwnAccountChange = requestBody(
  {
    email: emailField(254),
    /** The account's current password. */
    password: typedPassword,
    username: z.optional(textField(150)),
    role: z.optional(z.enum(roles)),
  },
  ["id", "clinic"],
);

/** The refresh token of a session, from login or refresh. */
export const RefreshToken = requestBody({ refresh: textField(1024) });

/** The clinic to which a session moves, and the session's refresh token. */
export const ClinicChoice = requestBody({ clinic: idSchema, refresh: z.optional(textField(1024)) });

/** The path `/:id/` of a session. */
export const SessionIdPath = z.object({ id: z.uuid() });
