import { createFactory } from "hono/factory";
import type { AuthenticatedEnv } from "../http/context.ts";
import { type FieldError, fieldProblem, validationProblem } from "../http/problems.ts";
import { attemptNetworks, tooManyRequests } from "../http/rate-limits.ts";
import { validate } from "../http/validation.ts";
import { newSession } from "./new-session.ts";
import { changePassword, findOwnPassword } from "./password-queries.ts";
import { hashPassword, matchPassword } from "./passwords.ts";
import { newRefreshToken } from "./refresh-token.ts";
import { loadPasswordRules, ownNameError, PasswordChange, passwordChangeBody } from "./requests.ts";
import { respondTokenPair } from "./token-pair.ts";

/**
 * `POST /password`: changes the caller's password, ends all its sessions and opens a new one. Somebody who has copied
 * the tokens of the session is signed out too.
 */
export const changePasswordHandlers = createFactory<AuthenticatedEnv>().createHandlers(
  validate("json", PasswordChange, async (c) => passwordChangeBody(await loadPasswordRules(c.get("config")))),
  async (c) => {
    const config = c.get("config");
    const { BCRYPT_COST: cost } = config;
    const caller = c.get("caller");
    const { current, new: newPassword } = c.req.valid("json");
    const networks = attemptNetworks(c);
    const { isAdmitted, waitSeconds, isOwnNetwork, isExpired, ...account } = await findOwnPassword(
      caller,
      networks,
    );
    if (!isAdmitted) throw tooManyRequests("locked_out", waitSeconds);
    const matchedPassword = await matchPassword(current, account, cost);
    const isCorrect = matchedPassword !== undefined && !isExpired;
    const isUnchanged = matchedPassword?.normalize("NFC") === newPassword;
    const error = isUnchanged ? UNCHANGED : ownNameError(newPassword, account);
    const refresh = await newRefreshToken(config);
    const { session_id } = await changePassword(caller, {
      ...networks,
      isOwnNetwork,
      password_hash: isCorrect ? account.password_hash : null,
      new_hash: isCorrect && !error ? await hashPassword(newPassword, cost) : null,
      ...(await newSession(c, refresh)),
    });
    if (isCorrect && error) throw validationProblem({ new: [error] });
    if (matchedPassword !== undefined && isExpired)
      throw fieldProblem("current", "password_expired", "Expired: ask an operator for a new one");
    if (session_id === null) throw fieldProblem("current", "wrong_password", "Not the current password");
    return respondTokenPair(c, { ...caller.claims, session_id, must_change_password: false }, refresh);
  },
);

const UNCHANGED: FieldError = { code: "password_unchanged", message: "Must not be the current password" };
