import { createFactory } from "hono/factory";
import { hashToken } from "../crypto.ts";
import type { AppEnv } from "../http/context.ts";
import { duplicateProblem, fieldProblem, Problem } from "../http/problems.ts";
import { rateLimit, requestOrigin } from "../http/rate-limits.ts";
import { respondJson } from "../http/respond.ts";
import { validate } from "../http/validation.ts";
import { hashPassword } from "./passwords.ts";
import { createAccount, findInvitation, type InvitationState } from "./register-queries.ts";
import { loadPasswordRules, Registration, registrationBody } from "./requests.ts";

/** `POST /register`: creates an account, if the configuration and the invitation allow it. */
export const registerHandlers = createFactory<AppEnv>().createHandlers(
  rateLimit("REGISTER_LIMITER"),
  validate("json", Registration, async (c) => registrationBody(await loadPasswordRules(c.get("config")))),
  async (c) => {
    const { REGISTRATION, BCRYPT_COST } = c.get("config");
    const { username, email, password, invitation } = c.req.valid("json");
    if (REGISTRATION === "closed") throw new Problem("registration_closed", "Registration is closed.");
    if (REGISTRATION === "invitation" && invitation === undefined)
      throw fieldProblem("invitation", "required", "Required: ask an admin for an invitation");
    const connection = c.get("connection");
    const code_hash = invitation === undefined ? null : await hashToken(invitation);
    // Before the hash, which takes 80 ms of CPU: guessing codes must not cost more than a look at an index.
    if (code_hash !== null) requireInvited(await findInvitation(connection, { email, code_hash }));
    const result = requireInvited(
      await createAccount(connection, {
        ...{ username, email, code_hash, ...requestOrigin(c) },
        password_hash: await hashPassword(password, BCRYPT_COST),
      }),
    );
    if (result.isUsernameTaken) throw duplicateProblem("users_username_key");
    if (result.body === null) throw fieldProblem("invitation", "invitation_invalid", "Already used");
    return respondJson(result.body, 201);
  },
);

/** @throws {Problem} 400 when the invitation is not valid, or was sent to another email */
function requireInvited<State extends InvitationState>(state: State | undefined): State {
  if (!state?.isInvited)
    throw fieldProblem("invitation", "invitation_invalid", "Unknown, already used or expired");
  if (!state.isInvitedEmail)
    throw fieldProblem("email", "email_not_invited", "Not the email of the invitation");
  return state;
}
