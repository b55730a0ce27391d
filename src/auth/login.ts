import { createFactory } from "hono/factory";
import { sendAgainOnViolation } from "../db/errors.ts";
import type { AppEnv } from "../http/context.ts";
import { notFoundProblem, unauthorizedProblem } from "../http/problems.ts";
import { attemptNetworks, rateLimit, requestOrigin, tooManyRequests } from "../http/rate-limits.ts";
import { validate } from "../http/validation.ts";
import { findLoginAccount, openSession } from "./login-queries.ts";
import { newSession } from "./new-session.ts";
import { matchPassword, rehashIfOutdated } from "./passwords.ts";
import { newRefreshToken } from "./refresh-token.ts";
import { Credentials } from "./requests.ts";
import { respondTokenPair } from "./token-pair.ts";

/** `POST /login`: opens a session. */
export const loginHandlers = createFactory<AppEnv>().createHandlers(
  rateLimit("LOGIN_LIMITER"),
  validate("json", Credentials),
  async (c) => {
    const { BCRYPT_COST: cost } = c.get("config");
    const connection = c.get("connection");
    const { username, password, clinic = null } = c.req.valid("json");
    // Attempts are counted by the name that is looked up: another spelling of it has no attempts of its own.
    const attempt = { username: username.toLowerCase(), ...attemptNetworks(c), ...requestOrigin(c) };
    const account = await findLoginAccount(connection, attempt);
    if (!account?.isAdmitted) throw tooManyRequests("locked_out", account?.waitSeconds ?? 1);
    const { id, active, isOwnNetwork, password_hash } = account;
    // A disabled account is treated like a missing one, in the same time.
    const matchedPassword = await matchPassword(password, active ? account : undefined, cost);
    const refresh = await newRefreshToken(c.get("config"));
    const login = {
      ...attempt,
      isOwnNetwork,
      id,
      clinic,
      password_hash: matchedPassword === undefined ? null : password_hash,
      new_hash: matchedPassword === undefined ? null : await rehashIfOutdated(matchedPassword, account, cost),
      ...(await newSession(c, refresh)),
    };
    // The clinic that was used last may be deleted meanwhile: the next snapshot leads to another one.
    const session = await sendAgainOnViolation("sessions_membership_fkey", () =>
      openSession(connection, login),
    );
    if (!session)
      throw unauthorizedProblem(
        "invalid_credentials",
        "There is no active account with this username and password.",
      );
    const { session_id, ...claims } = session;
    if (session_id === null) throw notFoundProblem("clinic");
    return respondTokenPair(c, { ...claims, session_id }, refresh);
  },
);
