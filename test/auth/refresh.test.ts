import { decode } from "hono/jwt";
import { expect, test } from "vitest";
import { refreshTokenSuccessors } from "../../src/auth/refresh-token.ts";
import type { Config } from "../../src/config.ts";
import {
  insertRefreshToken,
  moveSpentTime,
  newAccount,
  revocations,
  tokenPair,
} from "../support/accounts.ts";
import { connectApi, JWT_SECRET } from "../support/api.ts";
import { actorColumns, auditEventsOf, emptyAuditEvent } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import { problem } from "../support/problems.ts";

const refused = problem(401, "The refresh token is unknown or already used, or its session has ended.");

const api = connectApi();
const refreshWith = (refresh: string) => api.post("/api/auth/refresh/", { refresh });
const me = async (token: string) => (await api.get("/api/auth/me/", { token })).status;

/** The refresh tokens of an account with their sessions, oldest first. */
const tokensOf = ({ id }: { id: number }) => asOwner`
  SELECT s.id, s.expires_at, s.ended_at, t.token_hash, t.spent_at
  FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id WHERE s.user_id = ${id} ORDER BY t.created_at, spent_at`;

/** A session that was refreshed once: the spent token and the answer with the next pair. */
async function refreshedOnce() {
  const account = await newAccount();
  const spent = await insertRefreshToken(account);
  const { status, body: next } = await refreshWith(spent);
  return { account, spent, status, next };
}

test("refresh answers with a new pair of tokens and nothing else, and both tokens work", async () => {
  const { spent, status, next } = await refreshedOnce();
  expect([status, next]).toEqual([200, tokenPair]);
  expect(next.refresh).not.toBe(spent);
  expect(await me(next.access)).toBe(200);
  expect((await refreshWith(next.refresh)).status).toBe(200);
});

test("refresh keeps the session and its expiry, and earlier access tokens stay valid", async () => {
  const { account, next } = await refreshedOnce();
  const { body: last } = await refreshWith(next.refresh);
  const [{ id, expires_at } = {}, ...others] = await tokensOf(account);
  expect(others).toMatchObject([
    { id, expires_at, spent_at: expect.any(String) },
    { id, expires_at, spent_at: null },
  ]);
  expect(decode(last.access).payload["sid"]).toBe(id);
  expect([await me(next.access), await me(last.access)]).toEqual([200, 200]);
});

/**
 * Refreshes with a token that was spent 29 of the 30 seconds ago. When the machine took more than the second that is
 * left, the answer says nothing, and it is done again with another session.
 */
async function refreshWithinGrace() {
  for (;;) {
    const session = await refreshedOnce();
    await moveSpentTime(session.spent, 29);
    const before = await tokensOf(session.account);
    const answer = await refreshWith(session.spent);
    const [{ late } = {}] = await asOwner`
      SELECT clock_timestamp() >= ${before[0]?.["spent_at"]}::timestamptz + interval '30 seconds' AS late`;
    if (!late) return { ...session, before, answer };
  }
}

test("a token spent less than 30 s ago is exchanged again, for the same refresh token and another access token", async () => {
  const { account, spent, next, before, answer } = await refreshWithinGrace();
  const { status, body: other } = answer;
  expect([status, other]).toEqual([200, tokenPair]);
  expect(other.refresh).toBe(next.refresh);
  // The second exchange does not extend the 30 s.
  expect(await tokensOf(account)).toEqual(before);
  for (const { access } of [next, other]) expect(await me(access)).toBe(200);
  await moveSpentTime(spent, 30);
  expect(await refreshWith(spent)).toEqual(refused);
});

test("20 exchanges of one token issue one refresh token, and one chain of tokens lives", async () => {
  const { account, spent, next } = await refreshedOnce();
  for (let exchange = 1; exchange < 20; exchange += 1)
    expect((await refreshWith(spent)).body.refresh).toBe(next.refresh);
  expect(await tokensOf(account)).toMatchObject([{ spent_at: expect.any(String) }, { spent_at: null }]);
  expect((await refreshWith(next.refresh)).status).toBe(200);
});

test("once its successor is spent, a token spent less than 30 s ago is refused and ends the session, which is audited", async () => {
  const { account, spent, next } = await refreshedOnce();
  const { body: last } = await refreshWith(next.refresh);
  const elsewhere = connectApi();
  const answer = await elsewhere.post("/api/auth/refresh/", { refresh: spent });
  expect(answer).toEqual(refused);
  const [{ id: session_id } = {}] = await tokensOf(account);
  expect(await auditEventsOf(answer)).toEqual([
    {
      ...emptyAuditEvent(elsewhere),
      ...actorColumns(account),
      ...{ session_id, action: "refresh", outcome: "refused", reason: "used again: the session has ended" },
    },
  ]);
  for (const { refresh, access } of [next, last]) {
    expect(await refreshWith(refresh)).toEqual(refused);
    expect(await me(access)).toBe(401);
  }
  expect((await account.get("/api/auth/me/")).status).toBe(200);
});

test("a token that an earlier version has spent is exchanged within 30 s, for one successor", async () => {
  const account = await newAccount();
  const spent = await insertRefreshToken(account);
  await asOwner`
    UPDATE refresh_tokens t SET spent_at = now() FROM sessions s WHERE s.id = t.session_id AND s.user_id = ${account.id}`;
  const { body: next } = await refreshWith(spent);
  expect(next).toEqual(tokenPair);
  expect((await refreshWith(spent)).body.refresh).toBe(next.refresh);
});

test("nobody can derive the next refresh token without the secret of the installation", async () => {
  const { spent, next } = await refreshedOnce();
  const config = { JWT_SECRET: "another secret of at least thirty-two bytes" } as Config;
  expect(await refreshTokenSuccessors(spent, config)).not.toContain(next.refresh);
  expect(await refreshTokenSuccessors(spent, { JWT_SECRET } as Config)).toEqual([next.refresh]);
});

test("a token spent 30 s ago is refused and ends its session once, and no other session of the account", async () => {
  const { account, spent, next } = await refreshedOnce();
  await moveSpentTime(spent, 30);
  const answer = await refreshWith(spent);
  expect(answer).toEqual(refused);
  expect(answer.headers.get("WWW-Authenticate")).toBe('Bearer realm="hospital-api", error="invalid_token"');
  expect(await refreshWith(next.refresh)).toEqual(refused);
  expect([await me(next.access), await me(account.token)]).toEqual([401, 200]);
  await asOwner`UPDATE sessions SET ended_at = ended_at - interval '1 hour' WHERE user_id = ${account.id}`;
  const ended = await tokensOf(account);
  expect(await refreshWith(spent)).toEqual(refused);
  expect(await tokensOf(account)).toEqual(ended);
  expect((await refreshWith(await insertRefreshToken(account))).status).toBe(200);
});

test.each(revocations)(
  "a token is refused and stays unspent, in one database request, when %s",
  async (_, revoke) => {
    const account = await newAccount();
    const refresh = await insertRefreshToken(account);
    await revoke(account.id);
    const before = await tokensOf(account);
    await api.databaseRequests();
    expect(await refreshWith(refresh)).toEqual(refused);
    expect(await api.databaseRequests()).toBe(1);
    expect(before).toMatchObject([{ spent_at: null }]);
    expect(await tokensOf(account)).toEqual(before);
  },
);

test.each([
  [{ SESSION_IDLE_DAYS: 2 }, 48 * 60],
  [{ SESSION_IDLE_MINUTES: 90 }, 90],
  [{ SESSION_IDLE_MINUTES: "90", SESSION_IDLE_DAYS: 2 }, 90],
])("with %j, a refresh gets 401 after %i minutes without one", async (setting, idleMinutes) => {
  const idle = connectApi(setting);
  const account = await newAccount();
  const [one, other] = [await insertRefreshToken(account), await insertRefreshToken(account)];
  const usedAgo = (minutes: number) => asOwner`
    UPDATE sessions SET last_used_at = now() - make_interval(mins => ${minutes}) WHERE user_id = ${account.id}`;
  await usedAgo(idleMinutes - 60);
  const { body: next } = await idle.post("/api/auth/refresh/", { refresh: one });
  expect((await idle.post("/api/auth/refresh/", { refresh: next.refresh })).status).toBe(200);
  await usedAgo(idleMinutes + 1);
  expect(await idle.post("/api/auth/refresh/", { refresh: other })).toEqual(refused);
});

test.each([
  [5, 150],
  [29, 870],
  [30, 900],
  [10_080, 900],
])("with SESSION_IDLE_MINUTES %i, an access token is valid for %i seconds", async (minutes, seconds) => {
  const idle = connectApi({ SESSION_IDLE_MINUTES: minutes });
  const refresh = await insertRefreshToken(await newAccount());
  const { body } = await idle.post("/api/auth/refresh/", { refresh });
  const { iat = 0, exp = 0 } = decode(body.access).payload;
  expect([body.expires_in, exp - iat]).toEqual([seconds, seconds]);
});

test("an unknown or altered refresh token is refused, and a refresh token is not an access token", async () => {
  const { next } = await refreshedOnce();
  for (const wrong of ["A".repeat(43), next.access, next.refresh.toUpperCase(), `${next.refresh}=`])
    expect(await refreshWith(wrong)).toEqual(refused);
  expect(await me(next.refresh)).toBe(401);
  expect((await refreshWith(next.refresh)).status).toBe(200);
});
