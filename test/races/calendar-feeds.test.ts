import { expect, test } from "vitest";
import { FEEDS, postFeed } from "../calendar-feeds/requests.ts";
import { newAccount } from "../support/accounts.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import { newDoctorsAccount } from "../support/ownership.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { atOnce, connectWithoutLimits, raceBehind, tally } from "../support/races.ts";

test("a feed of a doctor whose deletion comes first is 400 for its account: none is a deadlock", async () => {
  const admin = await newAccount(connectWithoutLimits(), "admin");
  const { account, doctor } = await newDoctorsAccount(admin);
  const lock = await holdLock("SELECT FROM doctors WHERE id = $1 FOR UPDATE", [doctor.id]);
  const deleted = admin.delete(`/api/doctors/${doctor.id}/`);
  await lock.waiters(1);
  const created = account.post(FEEDS, { label: "North", doctor: doctor.id });
  await lock.waiters(2);
  await lock.release();
  expect((await deleted).status).toBe(204);
  expect(await created).toEqual(fieldProblem("doctor"));
});

test("of five requests at once, an account with 18 feeds gets two: the others are 409", async () => {
  const account = await newAccount(connectWithoutLimits());
  for (let count = 0; count < 18; count += 1) await postFeed(account);
  const lock = await holdLock("SELECT FROM users WHERE id = $1 FOR UPDATE", [account.id]);
  const answers = await raceBehind(lock, 5, () =>
    atOnce(5, () => account.post(FEEDS, { label: "One of five" })),
  );
  expect(tally(answers)).toEqual({ 201: 2, 409: 3 });
  expect((await account.get(FEEDS)).body).toHaveLength(20);
});

test("a feed of an account that is disabled while the request waits for another one is 401 and not created", async () => {
  const account = await newAccount(connectWithoutLimits());
  const lock = await holdLock("SELECT FROM lock_valid_feeds($1)", [account.id]);
  const created = account.post(FEEDS, { label: "North" });
  await lock.waiters(1);
  await asOwner`UPDATE users SET active = false WHERE id = ${account.id}`;
  await lock.release();
  expect(await created).toEqual(problem(401, "The access token has been revoked."));
  expect(await asOwner`SELECT FROM calendar_feeds WHERE account_id = ${account.id}`).toEqual([]);
});
