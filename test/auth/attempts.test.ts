import { expect, test } from "vitest";
import { newAccount, PASSWORD, setPassword, signUp, unique } from "../support/accounts.ts";
import { type Api, connectApi } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { comparable, problem, refusal } from "../support/problems.ts";
import { atOnce, tally } from "../support/races.ts";
import { recordOf } from "../support/record.ts";

const tooMany = problem(429, "Too many attempts. Try again later.");
const attempt = (api: Api, username: string, password = "not the password") =>
  api.post("/api/auth/login/", { username, password });
const secondsOf = ({ headers }: { headers: Headers }) => Number(headers.get("Retry-After"));

/** Fails `count` times from one network, each as soon as it is let; the last answer. */
async function fail(api: Api, username: string, count: number) {
  for (let failed = 1; failed < count; failed += 1) {
    await attempt(api, username);
    await pass(username, 0);
  }
  return attempt(api, username);
}

/** Lets time pass for an account's counters: so many hours, and the wait. */
const pass = (username: string, hours: number) => asOwner`
  UPDATE login_attempts SET blocked_until = now() - interval '1 second', failed_at = failed_at - make_interval(hours => ${hours})
  WHERE username = ${username}`;
const failuresOf = (username: string) => asOwner`
  SELECT network, failures FROM login_attempts WHERE username = ${username} ORDER BY network`;

test("five failures are free, then each has to wait twice as long as the one before it, and a quarter of an hour at last", async () => {
  const { username } = await signUp();
  const api = connectApi();
  expect((await fail(api, username, 5)).status).toBe(401);
  for (const seconds of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]) {
    const answer = await attempt(api, username);
    expect([answer, secondsOf(answer)]).toEqual([tooMany, seconds]);
    expect(await recordOf(answer)).toMatchObject([
      { action: "login", outcome: "refused", reason: "too many attempts" },
    ]);
    await pass(username, 0);
    expect((await attempt(api, username)).status).toBe(401);
  }
});

test("who is refused is told the same of a name that nobody has, in the one database request that it takes", async () => {
  const { username } = await signUp();
  const [api, nobody] = [connectApi(), unique("nobody-")];
  await fail(api, nobody, 5);
  await fail(connectApi(), username, 5);
  await api.databaseRequests();
  const [first, second] = [await attempt(api, nobody, PASSWORD), await attempt(api, username, PASSWORD)];
  expect(first).toEqual(tooMany);
  expect(comparable(first)).toEqual(comparable(second));
  expect(await api.databaseRequests()).toBe(2);
});

test("of a hundred guesses at once five are looked at", async () => {
  const { username } = await signUp();
  const answers = await atOnce(100, (index) => attempt(connectApi(), username, `guess number ${index}`));
  expect(tally(answers)).toEqual({ 401: 5, 429: 95 });
});

test("of many who log in at once from one network, each for the first time, none is refused", async () => {
  const api = connectApi();
  const accounts = await atOnce(10, () => signUp());
  const answers = await Promise.all(accounts.map(({ username }) => attempt(api, username, PASSWORD)));
  expect(tally(answers)).toEqual({ 200: 10 });
  const { username } = accounts[0] ?? { username: "" };
  const elsewhere = connectApi();
  const once = await atOnce(4, () => attempt(elsewhere, username, PASSWORD));
  expect(tally(once)).toEqual({ 200: 4 });
  // All are taken back, in the network that was not the account's own when they were counted.
  const left = await asOwner`
    SELECT failures FROM login_attempts WHERE network = ${elsewhere.address} OR username = ${username} AND network = ''`;
  expect(new Set(left.map(({ failures }) => failures))).toEqual(new Set([0]));
});

test("strangers keep nobody out of a network that the account has logged in from before, and guests nobody out of the hospital", async () => {
  const [home, elsewhere] = [connectApi(), connectApi()];
  const { username } = await signUp(home);
  await fail(elsewhere, username, 6);
  expect((await attempt(connectApi(), username, PASSWORD)).status).toBe(429);
  expect((await attempt(home, username, PASSWORD)).status).toBe(200);
  const newcomer = await signUp();
  await asOwner`
    UPDATE login_attempts SET failures = 110, failed_at = now(), blocked_until = now() + interval '1 minute'
    WHERE username = '' AND network = ${home.address}`;
  expect((await attempt(home, newcomer.username, PASSWORD)).status).toBe(429);
  expect((await attempt(home, username, PASSWORD)).status).toBe(200);
});

test("a network has a hundred failures over all names, and then one a minute at most", async () => {
  const api = connectApi();
  await attempt(api, unique("nobody-"));
  await asOwner`UPDATE login_attempts SET failures = 99 WHERE username = '' AND network = ${api.address}`;
  expect((await attempt(api, unique("nobody-"))).status).toBe(401);
  expect(secondsOf(await attempt(api, unique("nobody-")))).toBe(1);
  await asOwner`UPDATE login_attempts SET failures = 110, blocked_until = now() WHERE network = ${api.address}`;
  expect((await attempt(api, unique("nobody-"))).status).toBe(401);
  expect(secondsOf(await attempt(api, unique("nobody-")))).toBe(60);
  expect((await attempt(connectApi(), unique("nobody-"))).status).toBe(401);
});

test("in a network of its own an account has seventy failures that are free, and then waits as elsewhere", async () => {
  const { api, username } = await signUp();
  await attempt(api, username);
  await asOwner`UPDATE login_attempts SET failures = 68 WHERE username = ${username} AND network = ${api.address}`;
  for (let failed = 0; failed < 2; failed += 1) expect((await attempt(api, username)).status).toBe(401);
  expect(secondsOf(await attempt(api, username))).toBe(1);
  await asOwner`UPDATE login_attempts SET failures = 80, blocked_until = 'epoch' WHERE username = ${username}`;
  expect((await attempt(api, username)).status).toBe(401);
  expect(secondsOf(await attempt(api, username))).toBe(900);
});

test("an attempt from a network that is blocked is none at the account's password", async () => {
  const { username } = await signUp();
  const api = connectApi();
  await asOwner`
    INSERT INTO login_attempts (username, network, failures, failed_at, blocked_until)
    VALUES ('', ${api.address}, 110, now(), now() + interval '1 minute')`;
  expect((await attempt(api, username)).status).toBe(429);
  expect((await failuresOf(username)).filter(({ network }) => network === "")).toEqual([
    { network: "", failures: 0 },
  ]);
});

test("logging in takes its own attempt back and no other one", async () => {
  const { username } = await signUp();
  const [api] = [connectApi()];
  await fail(api, username, 3);
  expect((await attempt(api, username, PASSWORD)).status).toBe(200);
  const counted = async () => (await failuresOf(username)).filter(({ network }) => network === "");
  expect(await counted()).toEqual([{ network: "", failures: 3 }]);
  // From now on this network is the account's own.
  await fail(api, username, 2);
  expect(await counted()).toEqual([{ network: "", failures: 3 }]);
  expect(await failuresOf(username)).toContainEqual({ network: api.address, failures: 2 });
});

test("one failure is forgiven in an hour, and the network that was not used for longest is forgotten for a fifth", async () => {
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
  await pass(username, 2);
  await attempt(api, username);
  expect(await failuresOf(username)).toContainEqual({ network: api.address, failures: 3 });
});

test("the password that has to be given to change it is guessed at no more often", async () => {
  const account = await newAccount();
  await setPassword(account.id, PASSWORD);
  const guess = (current = "not the password") =>
    account.post("/api/auth/password/", { current, new: "another horse entirely" });
  for (let failed = 0; failed < 5; failed += 1) expect(await guess()).toEqual(refusal("current"));
  const refused = await guess(PASSWORD);
  expect([refused, secondsOf(refused)]).toEqual([tooMany, 1]);
  expect(await recordOf(refused)).toMatchObject([{ action: "change_password", outcome: "refused" }]);
  expect((await attempt(account.api, account.username, PASSWORD)).status).toBe(429);
  await pass(account.username, 0);
  expect((await guess(PASSWORD)).status).toBe(204);
});
