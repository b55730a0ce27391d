import { createFactory } from "hono/factory";
import type { AuthenticatedEnv } from "../http/context.ts";
import { type FieldError, fieldProblem, validationProblem } from "../http/problems.ts";
import { attemptNetworks, tooManyRequests } from "../http/rate-limits.ts";
import { respondJson } from "../http/respond.ts";
import { validate } from "../http/validation.ts";
import { changeOwnEmail } from "./own-account-queries.ts";
import { findOwnPasswordForChange } from "./password-queries.ts";
import { matchPassword } from "./passwords.ts";
import { OwnAccountChange, ownNameError } from "./requests.ts";

const READ_ONLY: FieldError = { code: "read_only", message: "Read-only" };
const IS_PASSWORD: FieldError = {
  code: "password_is_email",
  message: "Must not be the password, also not before its @",
};

/**
 * `PATCH /me`: changes the email of the caller's own account. The password is needed: somebody who has found an open
 * browser must not be able to take the account over.
 */
export const changeOwnAccountHandlers = createFactory<AuthenticatedEnv>().createHandlers(
  validate("json", OwnAccountChange),
  async (c) => {
    const caller = c.get("caller");
    const { email, password, username = null, role = null } = c.req.valid("json");
    const networks = attemptNetworks(c);
    const { isAdmitted, waitSeconds, isOwnNetwork, ...account } = await findOwnPasswordForChange(
      caller,
      networks,
    );
    if (!isAdmitted) throw tooManyRequests("locked_out", waitSeconds);
    const matchedPassword = await matchPassword(password, account, c.get("config").BCRYPT_COST);
    const password_hash = matchedPassword === undefined ? null : account.password_hash;
    // An email that has not changed may be that of an older account.
    const isPassword =
      matchedPassword !== undefined &&
      email !== account.email &&
      ownNameError(matchedPassword, { username: "", email }) !== undefined;
    const newEmail = isPassword ? null : email;
    const values = { password_hash, email: newEmail, username, role, isOwnNetwork, ...networks };
    const { body, isUsernameChanged, isRoleChanged } = await changeOwnEmail(caller, values);
    if (body !== null) return respondJson(body);
    if (isPassword) throw validationProblem({ email: [IS_PASSWORD] });
    if (!isUsernameChanged && !isRoleChanged)
      throw fieldProblem("password", "wrong_password", "Not the current password");
    throw validationProblem({
      ...(isUsernameChanged && { username: [READ_ONLY] }),
      ...(isRoleChanged && { role: [READ_ONLY] }),
    });
  },
);
