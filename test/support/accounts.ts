import { sign } from "hono/jwt";
import { expect } from "vitest";
import { hashPassword } from "../../src/auth/passwords.ts";
import { type Api, callsOf, connectApi, JWT_SECRET } from "./api.ts";
import { asOwner } from "./owner.ts";

/** A name that no other test has. */
export const unique = (prefix: string): string =>
  `${prefix}${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;

export const PASSWORD = "correct horse battery";

/** The hash of a password that nobody has. */
const NO_PASSWORD = "$2b$04$x4Xq12WBEQVtfW3.lh7.5OuvbkJ07TCo2RQLMyjedtCozT73BREsq";

/** What an access token of these tests says when nothing else is asked for; of an account that need not exist. */
export const claims = () => {
  const now = Math.floor(Date.now() / 1000);
  const parties = { iss: "hospital-api", aud: "hospital-api" };
  return { ...parties, sub: "1", sid: crypto.randomUUID(), ver: 1, iat: now, exp: now + 900 };
};

/** A token of the right key that says something else; what is `undefined` is left out. */
export const mint = (changes: Record<string, unknown>, secret = JWT_SECRET): Promise<string> =>
  sign({ ...claims(), ...changes }, secret, "HS256");

export type Account = Awaited<ReturnType<typeof newAccount>>;

/**
 * An account with a session, made in the database by one statement; its calls carry a token of that session. It has no
 * password: where signing up or logging in is what is tested, there is `signUp`.
 */
export async function newAccount(api: Api = connectApi(), role: "clinician" | "admin" = "clinician") {
  const username = unique("user-");
  const [row] = await asOwner`
    WITH account AS (
      INSERT INTO users (username, email, password_hash, role)
      VALUES (${username}, ${`${username}@example.org`}, ${NO_PASSWORD}, ${role}) RETURNING id)
    INSERT INTO sessions (user_id, token_version, expires_at) SELECT id, 1, now() + interval '1 day' FROM account
    RETURNING user_id, id`;
  const token = await mint({ sub: String(row?.["user_id"]), sid: row?.["id"] });
  return callingWith(api, { id: Number(row?.["user_id"]), sid: String(row?.["id"]), username, token });
}

/** Gives an account of `newAccount` a password. */
export async function setPassword(id: number, password: string): Promise<void> {
  const hash = await hashPassword(password, 4);
  await asOwner`UPDATE users SET password_hash = ${hash} WHERE id = ${id}`;
}

/** A refresh token of another session of the account, made in the database. */
export async function newRefreshToken({ id }: { id: number }): Promise<string> {
  const refresh = unique("refresh-");
  await asOwner`
    WITH session AS (
      INSERT INTO sessions (user_id, token_version, expires_at) VALUES (${id}, 1, now() + interval '1 day') RETURNING id)
    INSERT INTO refresh_tokens (token_hash, session_id) SELECT encode(sha256(${refresh}::text::bytea), 'hex'), id FROM session`;
  return refresh;
}

/** Moves the moment at which a token was spent into the past. */
export const spentAgo = (refresh: string, seconds: number) => asOwner`
  UPDATE refresh_tokens SET spent_at = now() - make_interval(secs => ${seconds})
  WHERE token_hash = encode(sha256(${refresh}::text::bytea), 'hex') AND spent_at IS NOT NULL`;

/** Registers an account and logs it in, as a client does. */
export async function signUp(api: Api = connectApi(), username = unique("user-")) {
  const email = `${username}@example.org`;
  const registered = await api.post("/api/auth/register/", { username, email, password: PASSWORD });
  const { access, refresh } = await logIn(api, username);
  return { ...callingWith(api, { id: registered.body.id as number, username, token: access }), refresh };
}

/** A new session of an account that `signUp` made. */
export async function logIn(api: Api, username: string): Promise<{ access: string; refresh: string }> {
  const answer = await api.post("/api/auth/login/", { username, password: PASSWORD });
  if (answer.status !== 200)
    throw new Error(`login answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** A session's two tokens, as login and refresh give them: the whole body of the answer. */
export const tokenPair = {
  access: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
  refresh: expect.stringMatching(/^[\w-]{43}$/),
  token_type: "Bearer",
  expires_in: 900,
};

/** When the tokens of all of an account's sessions are to be refused, and how that comes about. */
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
