import { expect, test } from "vitest";
import { FEEDS } from "../calendar-feeds/requests.ts";
import { newAccount } from "../support/accounts.ts";
import { holdLock } from "../support/held-lock.ts";
import { newDoctorsAccount } from "../support/ownership.ts";
import { fieldProblem } from "../support/problems.ts";
import { connectWithoutLimits } from "../support/races.ts";

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
