import { type Context, Hono } from "hono";
import type { Claims } from "../db/caller.ts";
import { ACCESS_SECONDS, issueAccess } from "../http/access-token.ts";
import { originOf } from "../http/address.ts";
import type { AppEnv } from "../http/context.ts";
import { guard } from "../http/guard.ts";
import { invalidFields, unauthorized } from "../http/problem.ts";
import { respond } from "../http/respond.ts";
import { validate } from "../http/validate.ts";
import { Credentials, RefreshToken, Registration, type TokenPair } from "./contract.ts";
import { limitAddress, limitUsername } from "./limits.ts";
import { hashPassword, passwordMatches } from "./passwords.ts";
import { createAccount, endSession, findAccount, findOwnAccount, logIn, rotateRefresh } from "./queries.ts";
import { hashRefresh, newRefresh } from "./refresh-token.ts";

export const auth = new Hono<AppEnv>()
  .post("/register", validate("json", Registration), limitAddress, async (c) => {
    const { password, ...account } = c.req.valid("json");
    const password_hash = await hashPassword(password, c.get("config").BCRYPT_COST);
    const created = await createAccount(c.get("connection"), { ...account, password_hash, ...originOf(c) });
    if (!created) throw new Error("An account that was inserted is not there.");
    return respond(created.body, 201);
  })

  .post("/login", validate("json", Credentials), limitAddress, async (c) => {
    const config = c.get("config");
    const connection = c.get("connection");
    const { username, password } = c.req.valid("json");
    // Counted and looked up by the same key: no spelling of a name has attempts of its own.
    const key = username.toLowerCase();
    await limitUsername(config.USERNAME_LIMITER, key);
    const account = await findAccount(connection, { username: key });
    const { id = null, password_hash, active } = account ?? {};
    // Of a disabled account no more than of none: its password is not looked at.
    const matches = await passwordMatches(password, active ? password_hash : undefined, config.BCRYPT_COST);
    const refresh = newRefresh();
    const claims = await logIn(connection, {
      id,
      password_hash: (matches && password_hash) || null,
      token_hash: await hashRefresh(refresh),
      days: config.SESSION_DAYS,
      ...originOf(c),
    });
    if (!claims) throw unauthorized("There is no active account with this username and password.");
    return respondWithPair(c, claims, refresh);
  })

  .post("/refresh", validate("json", RefreshToken), limitAddress, async (c) => {
    const refresh = newRefresh();
    const spent_hash = await hashRefresh(c.req.valid("json").refresh);
    const next_hash = await hashRefresh(refresh);
    const claims = await rotateRefresh(c.get("connection"), { spent_hash, next_hash, ...originOf(c) });
    if (claims) return respondWithPair(c, claims, refresh);
    throw unauthorized("The refresh token is unknown, spent, or of a session that is over.", "invalid_token");
  })

  .post("/logout", guard, validate("json", RefreshToken), async (c) => {
    const token_hash = await hashRefresh(c.req.valid("json").refresh);
    const { ended } = await endSession(c.get("caller"), { token_hash });
    if (!ended) throw invalidFields({ refresh: ["There is no such session of yours."] });
    return c.body(null, 204);
  })

  .get("/me", guard, async (c) => respond((await findOwnAccount(c.get("caller"), {})).body));

async function respondWithPair(c: Context<AppEnv>, claims: Claims, refresh: string) {
  const access = await issueAccess(claims, c.get("config"));
  const pair: TokenPair = { access, refresh, token_type: "Bearer", expires_in: ACCESS_SECONDS };
  return c.json(pair);
}
