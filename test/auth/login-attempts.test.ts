import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newAccount, PASSWORD, setPassword, signUp, uniqueName } from "../support/accounts.ts";
import { type Api, type ApiResponse, connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import { fieldProblem, problem, withoutRequestDetails } from "../support/problems.ts";
import { atOnce, tally } from "../support/races.ts";

const tooMany = problem(429, "Too many attempts. Try again later.");
const attempt = (api: Api, username: string, password = "not the password") =>
  api.post("/api/auth/login/", { username, password });
const retryAfter = ({ headers }: ApiResponse) => Number(headers.get("Retry-After"));

/** Every block lasts this much longer here: none ends before a test has looked at it, however slow the machine is. */
const EXTRA_SECONDS = 3600;

beforeAll(async () => {
  await asOwner`
    CREATE FUNCTION prolong_block() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NEW.blocked_until = NEW.blocked_until + interval '1 hour'; RETURN NEW; END $$`;
  // A counter that is not blocked has the time 'epoch'.
  await asOwner`
    CREATE TRIGGER prolong_block BEFORE UPDATE ON login_attempts FOR EACH ROW
    WHEN (NEW.blocked_until > NEW.failed_at AND NEW.blocked_until > OLD.blocked_until) EXECUTE FUNCTION prolong_block()`;
});
afterAll(() => asOwner`DROP FUNCTION prolong_block CASCADE`);

/**
 * Fails `count` times from one network. The account is unblocked after each attempt but the last, whose answer is
 * returned.
 */
async function fail(api: Api, username: string, count: number) {
  for (let failed = 1; failed < count; failed += 1) {
    await attempt(api, username);
    await unblock(username);
  }
  return attempt(api, username);
}

/** Unblocks all counters of an account, and makes its last failures older by some hours. */
const unblock = (username: string, hours = 0) => asOwner`
  UPDATE login_attempts SET blocked_until = 'epoch', failed_at = failed_at - make_interval(hours => ${hours})
  WHERE username = ${username}`;
const failuresOf = (username: string) => asOwner`
  SELECT network, failures FROM login_attempts WHERE username = ${username} ORDER BY network`;

/**
 * Asserts that a failure blocks for `seconds`: the next attempt is refused, and Retry-After says how much of
 * the block is left, rounded up.
 */
async function expectBlock(
  seconds: number,
  failure: () => Promise<ApiResponse>,
  next: () => Promise<ApiResponse> = failure,
) {
  const start = performance.now();
  const failed = await failure();
  const refused = await next();
  // The block and its rest are measured by the database's clock, which is read within this time.
  const elapsed = (performance.now() - start) / 1000 + 0.1;
  expect([400, 401]).toContain(failed.status);
  expect(refused).toEqual(tooMany);
  expect(retryAfter(refused)).toBeLessThanOrEqual(seconds + EXTRA_SECONDS);
  expect(retryAfter(refused)).toBeGreaterThanOrEqual(seconds + EXTRA_SECONDS - Math.floor(elapsed));
  return { failed, refused };
}

test("the fifth failure blocks the account for 1 s, each later one for twice as long, up to 15 minutes", async () => {
  const { username } = await signUp();
  const api = connectApi();
  expect((await fail(api, username, 4)).status).toBe(401);
  for (const seconds of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]) {
    await unblock(username);
    const { refused } = await expectBlock(seconds, () => attempt(api, username));
    expect(await auditEventsOf(refused)).toMatchObject([
      {
        action: "login",
        outcome: "refused",
        reason: expect.stringMatching(/^too many attempts: \d+ failures$/),
      },
    ]);
  }
});

test("of the attempts that a lockout refuses the first is audited, and their number with the first one after it", async () => {
  const { id, username } = await signUp();
  const api = connectApi();
  await fail(api, username, 5);
  const refused = await atOnce(12, () => attempt(api, username, PASSWORD));
  expect(tally(refused)).toEqual({ 429: 12 });
  const refusals = () => asOwner`
    SELECT reason FROM audit_events WHERE account_id = ${id} AND action = 'login' AND reason IS NOT NULL ORDER BY id`;
  const first = { reason: "too many attempts: 5 failures" };
  expect(await refusals()).toEqual([first]);
  await unblock(username);
  expect((await attempt(api, username, PASSWORD)).status).toBe(200);
  const after = { reason: "attempts refused during the last lockout: 12" };
  expect(await refusals()).toEqual([first, after]);
  await attempt(connectApi(), username);
  expect(await refusals()).toEqual([first, after]);
});

test("a blocked attempt gets the same 429 for an unknown username as for a known one, in one database request", async () => {
  const { username } = await signUp();
  const [api, nobody] = [connectApi(), uniqueName("nobody-")];
  await fail(api, nobody, 5);
  await fail(connectApi(), username, 5);
  await api.databaseRequests();
  const [first, second] = [await attempt(api, nobody, PASSWORD), await attempt(api, username, PASSWORD)];
  expect(first).toEqual(tooMany);
  // Their blocks began at different times.
  for (const answer of [first, second]) {
    expect(retryAfter(answer)).toBeGreaterThan(0);
    answer.headers.delete("Retry-After");
  }
  expect(withoutRequestDetails(first)).toEqual(withoutRequestDetails(second));
  expect(await api.databaseRequests()).toBe(2);
});

test("of a hundred simultaneous guesses five are checked and 95 get 429", async () => {
  const { username } = await signUp();
  const answers = await atOnce(100, (index) => attempt(connectApi(), username, `guess number ${index}`));
  expect(tally(answers)).toEqual({ 401: 5, 429: 95 });
});

test("simultaneous first logins of many accounts from one network all succeed", async () => {
  const api = connectApi();
  const accounts = await atOnce(10, () => signUp());
  const answers = await Promise.all(accounts.map(({ username }) => attempt(api, username, PASSWORD)));
  expect(tally(answers)).toEqual({ 200: 10 });
  const { username } = accounts[0] ?? { username: "" };
  const elsewhere = connectApi();
  const logins = await atOnce(4, () => attempt(elsewhere, username, PASSWORD));
  expect(tally(logins)).toEqual({ 200: 4 });
  // No attempt stays counted, also not for the network, which was not the account's own when the attempts were
  // counted.
  const counters = await asOwner`
    SELECT failures FROM login_attempts WHERE network = ${elsewhere.address} OR username = ${username} AND network = ''`;
  expect(new Set(counters.map(({ failures }) => failures))).toEqual(new Set([0]));
});

test("a block of the account or of the network does not apply to an account in a network it has logged in from before", async () => {
  const [home, elsewhere] = [connectApi(), connectApi()];
  const { username } = await signUp(home);
  await fail(elsewhere, username, 6);
  expect((await attempt(connectApi(), username, PASSWORD)).status).toBe(429);
  expect((await attempt(home, username, PASSWORD)).status).toBe(200);
  const newcomer = await signUp();
  await asOwner`
    UPDATE login_attempts SET failures = 110, failed_at = now(), blocked_until = now() + interval '1 hour'
    WHERE username = '' AND network = ${home.address}`;
  expect((await attempt(home, newcomer.username, PASSWORD)).status).toBe(429);
  expect((await attempt(home, username, PASSWORD)).status).toBe(200);
});

test("the hundredth failure over all usernames blocks a network for 1 s, later ones for up to 60 s", async () => {
  const api = connectApi();
  await attempt(api, uniqueName("nobody-"));
  // A network is forgiven one failure a minute, but none when the last failure is in the future.
  const setFailures = (count: number) => asOwner`
    UPDATE login_attempts SET failures = ${count}, failed_at = now() + interval '1 hour', blocked_until = 'epoch'
    WHERE username = '' AND network = ${api.address}`;
  const attemptAsNobody = () => attempt(api, uniqueName("nobody-"));
  await setFailures(98);
  expect((await attemptAsNobody()).status).toBe(401);
  const blocks = asOwner`
    SELECT FROM login_attempts WHERE network = ${api.address} AND blocked_until > 'epoch'`;
  expect(await blocks).toEqual([]);
  await setFailures(99);
  await expectBlock(1, attemptAsNobody);
  await setFailures(110);
  await expectBlock(60, attemptAsNobody);
  expect((await attempt(connectApi(), uniqueName("nobody-"))).status).toBe(401);
});

describe("an IPv6 /48", () => {
  /** A new /48, its counter, and logins from one of its /64 networks. */
  function newWideNetwork() {
    const prefix = `2001:db8:${crypto
      .randomUUID()
      .slice(0, 4)
      .replace(/^0+(?=.)/, "")}`;
    const api = connectApi();
    const attemptFrom = (subnet: number, username = uniqueName("nobody-"), password = "not the password") =>
      api.post(
        "/api/auth/login/",
        { username, password },
        { headers: { "CF-Connecting-IP": `${prefix}:${subnet}::1` } },
      );
    const setFailures = (failures: number) => asOwner`
      UPDATE login_attempts SET failures = ${failures}, failed_at = now() + interval '1 hour', blocked_until = 'epoch'
      WHERE username = '' AND network = ${`${prefix}::/48`}`;
    const counters = () => asOwner`
      SELECT network, failures FROM login_attempts WHERE username = '' AND network LIKE ${`${prefix}:%`} ORDER BY network`;
    return { prefix, api, attemptFrom, setFailures, counters };
  }

  test("that reaches a thousand failures over all its /64 networks is blocked for 1 s, then for up to 60 s", async () => {
    const { api, attemptFrom, setFailures } = newWideNetwork();
    await attemptFrom(1);
    await setFailures(998);
    expect((await attemptFrom(2)).status).toBe(401);
    await api.databaseRequests();
    const { refused } = await expectBlock(
      1,
      () => attemptFrom(3),
      () => attemptFrom(4),
    );
    // Two requests for the failure, and one for the attempt that is refused.
    expect(await api.databaseRequests()).toBe(3);
    expect(await auditEventsOf(refused)).toMatchObject([
      { action: "login", outcome: "refused", reason: "too many attempts: 1000 failures" },
    ]);
    await setFailures(1010);
    await expectBlock(
      60,
      () => attemptFrom(5),
      () => attemptFrom(6),
    );
    expect((await newWideNetwork().attemptFrom(1)).status).toBe(401);
  });

  test("does not block an account in a /64 that it has logged in from before", async () => {
    const { api, attemptFrom, setFailures } = newWideNetwork();
    const [known, other] = [await signUp(), await signUp()];
    expect((await attemptFrom(1, known.username, PASSWORD)).status).toBe(200);
    await setFailures(1010);
    await attemptFrom(2);
    expect((await attemptFrom(1, other.username, PASSWORD)).status).toBe(429);
    expect((await attemptFrom(1, known.username, PASSWORD)).status).toBe(200);
    expect((await attempt(api, other.username, PASSWORD)).status).toBe(200);
  });

  test("does not count attempts that one of its /64 networks refuses, and no successful login", async () => {
    const { prefix, attemptFrom, counters } = newWideNetwork();
    const { username } = await signUp();
    await attemptFrom(1);
    expect((await attemptFrom(2, username, PASSWORD)).status).toBe(200);
    const once = [
      { network: `${prefix}:1::/64`, failures: 1 },
      { network: `${prefix}:2::/64`, failures: 0 },
      { network: `${prefix}::/48`, failures: 1 },
    ];
    expect(await counters()).toEqual(once);
    await asOwner`
      UPDATE login_attempts SET blocked_until = now() + interval '1 hour'
      WHERE username = '' AND network = ${`${prefix}:1::/64`}`;
    expect(tally(await atOnce(5, () => attemptFrom(1)))).toEqual({ 429: 5 });
    expect(await counters()).toEqual(once);
  });

  test("admits simultaneous logins from many of its /64 networks without a deadlock", async () => {
    const { prefix, attemptFrom, counters } = newWideNetwork();
    const names = await atOnce(8, async () => (await signUp()).username);
    const answers = await atOnce(32, (index) => attemptFrom(index % 8, names[index % 8], PASSWORD));
    expect(tally(answers)).toEqual({ 200: 32 });
    expect(await counters()).toContainEqual({ network: `${prefix}::/48`, failures: 0 });
  });
});

test("in its own network the seventieth failure blocks an account for 1 s, later ones for up to 15 minutes", async () => {
  const { api, username } = await signUp();
  await attempt(api, username);
  await asOwner`UPDATE login_attempts SET failures = 68 WHERE username = ${username} AND network = ${api.address}`;
  expect((await attempt(api, username)).status).toBe(401);
  await expectBlock(1, () => attempt(api, username));
  await asOwner`UPDATE login_attempts SET failures = 80, blocked_until = 'epoch' WHERE username = ${username}`;
  await expectBlock(900, () => attempt(api, username));
});

test("an attempt from a blocked network gets 429 and is not counted for the account", async () => {
  const { username } = await signUp();
  const api = connectApi();
  await asOwner`
    INSERT INTO login_attempts (username, network, failures, failed_at, blocked_until)
    VALUES ('', ${api.address}, 110, now(), now() + interval '1 hour')`;
  expect((await attempt(api, username)).status).toBe(429);
  expect((await failuresOf(username)).filter(({ network }) => network === "")).toEqual([
    { network: "", failures: 0 },
  ]);
});

test("a successful login is not counted as a failure, and earlier failures stay counted", async () => {
  const { username } = await signUp();
  const api = connectApi();
  await fail(api, username, 3);
  expect((await attempt(api, username, PASSWORD)).status).toBe(200);
  const strangersFailures = async () => (await failuresOf(username)).filter(({ network }) => network === "");
  expect(await strangersFailures()).toEqual([{ network: "", failures: 3 }]);
  // From now on this network is the account's own.
  await fail(api, username, 2);
  expect(await strangersFailures()).toEqual([{ network: "", failures: 3 }]);
  expect(await failuresOf(username)).toContainEqual({ network: api.address, failures: 2 });
});

test("one failure an hour is forgiven, and the fifth network replaces the one that was used longest ago", async () => {
  const networks = await atOnce(5, async () => connectApi());
  const { username } = await signUp(networks[0]);
  for (const api of networks.slice(1)) expect((await attempt(api, username, PASSWORD)).status).toBe(200);
  const known = (await failuresOf(username)).map(({ network }) => network).filter(Boolean);
  expect(known.sort()).toEqual(
    networks
      .slice(1)
      .map(({ address }) => address)
      .sort(),
  );
  const [, api = connectApi()] = networks;
  await fail(api, username, 4);
  await unblock(username, 2);
  await attempt(api, username);
  expect(await failuresOf(username)).toContainEqual({ network: api.address, failures: 3 });
});

test("POST password with a wrong current password counts as a failed login", async () => {
  const account = await newAccount();
  await setPassword(account.id, PASSWORD);
  const guess = (current = "not the password") =>
    account.post("/api/auth/password/", { current, new: "another horse entirely" });
  for (let failed = 0; failed < 4; failed += 1) expect(await guess()).toEqual(fieldProblem("current"));
  const { failed, refused } = await expectBlock(1, guess, () => guess(PASSWORD));
  expect(failed).toEqual(fieldProblem("current"));
  expect(await auditEventsOf(refused)).toMatchObject([{ action: "change_password", outcome: "refused" }]);
  expect((await attempt(account.api, account.username, PASSWORD)).status).toBe(429);
  await unblock(account.username);
  expect((await guess(PASSWORD)).status).toBe(200);
});
