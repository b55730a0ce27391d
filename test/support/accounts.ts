import { sign } from "hono/jwt";
import { expect } from "vitest";
import { hashPassword } from "../../src/auth/passwords.ts";
import type { roles } from "../../src/db/schema.ts";
import { type Api, callsOf, connectApi, JWT_SECRET } from "./api.ts";
import { asOwner } from "./owner.ts";

/** A name that no other test has. */
export const uniqueName = (prefix: string): string =>
  `${prefix}${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;

export const PASSWORD = "correct horse battery";

/** The hash of a password that nobody has. */
const NO_PASSWORD = "$2b$04$x4Xq12WBEQVtfW3.lh7.5OuvbkJ07TCo2RQLMyjedtCozT73BREsq";

/** The claims of a valid access token of account 1, which need not exist. */
export const tokenClaims = () => {
  const now = Math.floor(Date.now() / 1000);
  const parties = { iss: "hospital-api", aud: "hospital-api" };
  return { ...parties, sub: "1", sid: crypto.randomUUID(), ver: 1, iat: now, exp: now + 900 };
};

/** Signs a token with other claims; a claim that is `undefined` is left out. */
export const mintToken = (changes: Record<string, unknown>, secret = JWT_SECRET): Promise<string> =>
  sign({ ...tokenClaims(), ...changes }, secret, "HS256");

export type Role = (typeof roles)[number];
export type TestAccount = Awaited<ReturnType<typeof newAccount>>;

/**
 * Creates an account with a session by one SQL statement; its calls carry a token of that session. It has no
 * password: tests of registration and login use `signUp`.
 */
export async function newAccount(api: Api = connectApi(), role: Role = "clinician") {
  const username = uniqueName("user-");
  const [row] = await asOwner`
    WITH account AS (
      INSERT INTO users (username, email, password_hash, role)
      VALUES (${username}, ${`${username}@example.org`}, ${NO_PASSWORD}, ${role}) RETURNING id)
    INSERT INTO sessions (user_id, token_version, expires_at) SELECT id, 1, now() + interval '1 day' FROM account
    RETURNING user_id, id`;
  const token = await mintToken({
    ...{ sub: String(row?.["user_id"]), sid: row?.["id"] },
    is_auditor: role === "auditor" || undefined,
  });
  const id = Number(row?.["user_id"]);
  return callingWith(api, { id, sid: String(row?.["id"]), clinic: id, username, token });
}

/** The same account with a new session, after its tokens were revoked. */
export async function withNewToken(account: TestAccount): Promise<TestAccount> {
  const [row] = await asOwner`
    INSERT INTO sessions (user_id, token_version, password_version, expires_at)
    SELECT id, token_version, password_version, now() + interval '1 day' FROM users WHERE id = ${account.id}
    RETURNING id, token_version`;
  const token = await mintToken({ sub: String(account.id), sid: row?.["id"], ver: row?.["token_version"] });
  return callingWith(account.api, {
    ...{ id: account.id, sid: String(row?.["id"]), clinic: account.id, username: account.username, token },
  });
}

/** The same account and session, with a token of other claims. */
export async function withToken(account: TestAccount, claims: Record<string, unknown>): Promise<TestAccount> {
  const token = await mintToken({ sub: String(account.id), sid: account.sid, ...claims });
  const { id, sid, clinic, username } = account;
  return callingWith(account.api, { id, sid, clinic, username, token });
}

/** Gives a password to an account of `newAccount`. */
export async function setPassword(id: number, password: string): Promise<void> {
  const hash = await hashPassword(password, 4);
  await asOwner`UPDATE users SET password_hash = ${hash}, password_prehashed = true WHERE id = ${id}`;
}

/** Creates another session of the account by SQL. @returns its refresh token */
export async function insertRefreshToken({ id }: { id: number }): Promise<string> {
  const refresh = uniqueName("refresh-");
  await asOwner`
    WITH session AS (
      INSERT INTO sessions (user_id, token_version, expires_at) VALUES (${id}, 1, now() + interval '1 day') RETURNING id)
    INSERT INTO refresh_tokens (token_hash, session_id) SELECT encode(sha256(${refresh}::text::bytea), 'hex'), id FROM session`;
  return refresh;
}

/** Sets the time at which a refresh token was spent to `seconds` ago. */
export const moveSpentTime = (refresh: string, seconds: number) => asOwner`
  UPDATE refresh_tokens SET spent_at = now() - make_interval(secs => ${seconds})
  WHERE token_hash = encode(sha256(${refresh}::text::bytea), 'hex') AND spent_at IS NOT NULL`;

/** Registers an account and logs it in, as a client does. */
export async function signUp(api: Api = connectApi(), username = uniqueName("user-")) {
  const email = `${username}@example.org`;
  const registered = await api.post("/api/auth/register/", { username, email, password: PASSWORD });
  const { access, refresh } = await logIn(api, username);
  return { ...callingWith(api, { id: registered.body.id as number, username, token: access }), refresh };
}

/** Logs in an account of `signUp`. @returns the tokens of the new session */
export async function logIn(api: Api, username: string): Promise<{ access: string; refresh: string }> {
  const answer = await api.post("/api/auth/login/", { username, password: PASSWORD });
  if (answer.status !== 200)
    throw new Error(`login answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** The whole body of an answer to login and refresh. */
export const tokenPair = {
  access: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
  refresh: expect.stringMatching(/^[\w-]{43}$/),
  token_type: "Bearer",
  expires_in: 900,
  clinic: expect.any(Number),
};

/** All events after which the tokens of an account are refused, and how to cause each. */
export const revocations: [when: string, revoke: (id: number) => Promise<unknown>][] = [
  ["its account is disabled", (id) => asOwner`UPDATE users SET active = false WHERE id = ${id}`],
  [
    "its password was changed elsewhere",
    (id) => asOwner`UPDATE users SET password_version = 2 WHERE id = ${id}`,
  ],
  ["its version was raised", (id) => asOwner`UPDATE users SET token_version = 2 WHERE id = ${id}`],
  ["its session has ended", (id) => asOwner`UPDATE sessions SET ended_at = now() WHERE user_id = ${id}`],
  ["its session expired", (id) => asOwner`UPDATE sessions SET expires_at = now() WHERE user_id = ${id}`],
];

const callingWith = <Known extends { token: string }>(api: Api, known: Known) => ({
  api,
  ...known,
  ...callsOf((method, path, body, options) =>
    api.request(method, path, body, { token: known.token, ...options }),
  ),
});
