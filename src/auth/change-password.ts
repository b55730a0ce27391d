import { createFactory } from "hono/factory";
import type { AuthenticatedEnv } from "../http/context.ts";
import { validationProblem } from "../http/problems.ts";
import { clientNetwork, tooManyRequests } from "../http/rate-limits.ts";
import { validate } from "../http/validation.ts";
import { changePassword, findOwnPassword } from "./password-queries.ts";
import { hashPassword, matchPassword } from "./passwords.ts";
import { loadPasswordRules, ownNameError, PasswordChange, passwordChangeBody } from "./requests.ts";

/** `POST /password`: changes the caller's password and ends its other sessions. */
export const changePasswordHandlers = createFactory<AuthenticatedEnv>().createHandlers(
  validate("json", PasswordChange, async (c) => passwordChangeBody(await loadPasswordRules(c.get("config")))),
  async (c) => {
    const { BCRYPT_COST: cost } = c.get("config");
    const { current, new: newPassword } = c.req.valid("json");
    const network = clientNetwork(c);
    const { isAdmitted, waitSeconds, isOwnNetwork, isExpired, ...account } = await findOwnPassword(
      c.get("caller"),
      { network },
    );
    if (!isAdmitted) throw tooManyRequests(waitSeconds);
    const matchedPassword = await matchPassword(current, account, cost);
    const isCorrect = matchedPassword !== undefined && !isExpired;
    const isUnchanged = matchedPassword?.normalize("NFC") === newPassword;
    const error = isUnchanged ? "Must not be the current password" : ownNameError(newPassword, account);
    const { isChanged } = await changePassword(c.get("caller"), {
      ...{ network, isOwnNetwork },
      password_hash: isCorrect ? account.password_hash : null,
      new_hash: isCorrect && !error ? await hashPassword(newPassword, cost) : null,
    });
    if (isCorrect && error) throw validationProblem({ new: [error] });
    if (matchedPassword !== undefined && isExpired)
      throw validationProblem({ current: ["Expired: ask an operator for a new one"] });
    if (!isChanged) throw validationProblem({ current: ["Not the current password"] });
    return c.body(null, 204);
  },
);
