import { expect, test } from "vitest";
import {
  insertRefreshToken,
  newAccount,
  PASSWORD,
  setPassword,
  type TestAccount,
} from "../support/accounts.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import { problem } from "../support/problems.ts";
import { atOnce, connectWithoutLimits, raceBehind, tally } from "../support/races.ts";

const api = connectWithoutLimits();
/** The same API from another network. */
const elsewhere = connectWithoutLimits();
const NEW = "another horse entirely";

async function newAccountWithPassword(): Promise<TestAccount> {
  const account = await newAccount(api);
  await setPassword(account.id, PASSWORD);
  return account;
}

const changePassword = (account: TestAccount) =>
  account.post("/api/auth/password/", { current: PASSWORD, new: NEW });
const tryLogin = (username: string, password: string) => api.post("/api/auth/login/", { username, password });
const openSessions = ({ id }: TestAccount) =>
  asOwner`SELECT id FROM sessions WHERE user_id = ${id} AND ended_at IS NULL`;
const lockAccount = ({ id }: TestAccount) => holdLock("SELECT FROM users WHERE id = $1 FOR UPDATE", [id]);

test("of 3 password changes of one session at once, one is 200 and the others are 401, and one session is open", async () => {
  const account = await newAccountWithPassword();
  const answers = await raceBehind(await lockAccount(account), 3, () =>
    atOnce(3, () => changePassword(account)),
  );
  expect(tally(answers)).toEqual({ 200: 1, 401: 2 });
  const outcomes = await Promise.all(answers.map(auditEventsOf));
  expect(outcomes.map(([event]) => event?.["outcome"]).sort()).toEqual(["done", "refused", "refused"]);
  const pair = answers.find(({ status }) => status === 200)?.body;
  expect((await api.get("/api/auth/me/", { token: pair.access })).body.id).toBe(account.id);
  expect(await openSessions(account)).toHaveLength(1);
});

test("a password change whose session is ended while it waits is 401, changes nothing and opens no session", async () => {
  const account = await newAccountWithPassword();
  const lock = await lockAccount(account);
  const waiting = changePassword(account);
  await lock.waiters(1);
  await asOwner`UPDATE sessions SET ended_at = now() WHERE id = ${account.sid}`;
  await lock.release();
  const answer = await waiting;
  expect(answer).toEqual(problem(401, "The access token has been revoked."));
  expect(await openSessions(account)).toEqual([]);
  expect((await tryLogin(account.username, PASSWORD)).status).toBe(200);
});

test("a password change and a login that deletes an expired session of the account at once do not deadlock", async () => {
  const account = await newAccountWithPassword();
  const logInElsewhere = () =>
    elsewhere.post("/api/auth/login/", { username: account.username, password: PASSWORD });
  await logInElsewhere();
  await insertRefreshToken(account);
  await asOwner`
    UPDATE sessions SET expires_at = now() - interval '1 second' WHERE user_id = ${account.id} AND id = (
      SELECT id FROM sessions WHERE user_id = ${account.id} ORDER BY created_at DESC LIMIT 1)`;
  // The change waits for this row after it has ended the account's sessions.
  const lock = await holdLock(
    `INSERT INTO login_attempts (username, network, failures, failed_at, blocked_until)
     VALUES ($1, $2, 0, now(), now())`,
    [account.username, api.address],
  );
  const change = changePassword(account);
  await lock.waiters(1);
  const answers = await raceBehind(lock, 2, () => Promise.all([change, logInElsewhere()]));
  expect(tally(answers)).toEqual({ 200: 2 });
});
