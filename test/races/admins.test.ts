import { expect, test } from "vitest";
import { logIn, newAccount, signUp } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { inEmptyDatabase } from "../support/empty-database.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner, owner } from "../support/owner.ts";
import { postEmergencyAccess } from "../support/ownership.ts";
import { problem } from "../support/problems.ts";
import { CROWD, connectWithoutLimits, raceBehind, tally } from "../support/races.ts";
import { postPatient } from "../support/resources.ts";

const api = connectWithoutLimits();

test("of two admins who take each other's role at once, one is 200 and stays an admin, and the other is 401", async () => {
  const [one, other] = [await newAccount(api, "admin"), await newAccount(api, "admin")];
  const lock = await holdLock("SELECT FROM users WHERE id IN ($1, $2) FOR UPDATE", [one.id, other.id]);
  const answers = await raceBehind(lock, 2, () =>
    Promise.all([
      one.patch(`/api/accounts/${other.id}/`, { active: false }),
      other.patch(`/api/accounts/${one.id}/`, { role: "clinician" }),
    ]),
  );
  expect(tally(answers)).toEqual({ 200: 1, 401: 1 });
  const admins = await asOwner`
    SELECT id FROM users WHERE id IN (${one.id}, ${other.id}) AND role = 'admin' AND active`;
  expect(admins).toHaveLength(1);
});

test.each(["role = 'clinician'", "active = false"])(
  "%s waits for an invitation and an emergency access that are being created, and ends both",
  async (change) => {
    const [admin, nurse] = [await newAccount(api, "admin"), await newAccount(api)];
    const { id } = await postPatient(nurse);
    // Both have locked their account when they wait for their session.
    const lock = await holdLock("SELECT FROM sessions WHERE user_id = $1 FOR UPDATE", [admin.id]);
    const creations = Promise.all([
      postEmergencyAccess(admin, { id }),
      admin.post("/api/invitations/", { email: "grace@example.org", role: "admin" }),
    ]);
    await lock.waiters(2);
    const demotion = Promise.all([owner().query(`UPDATE users SET ${change} WHERE id = $1`, [admin.id])]);
    await lock.waiters(3);
    await lock.release();
    await demotion;
    expect((await creations).map(({ status }) => status)).toEqual([201, 201]);
    expect(await asOwner`SELECT FROM invitations WHERE created_by = ${admin.id}`).toEqual([]);
    expect(await asOwner`SELECT FROM emergency_accesses WHERE account_id = ${admin.id}`).toEqual([]);
  },
);

test("PATCHes of different accounts by one admin at once are all 200", async () => {
  const accounts = await Promise.all(Array.from({ length: CROWD }, () => newAccount(api)));
  const admin = await newAccount(api, "admin");
  const lock = await holdLock("SELECT FROM users WHERE id = $1 FOR UPDATE", [admin.id]);
  const answers = await raceBehind(lock, CROWD, () =>
    Promise.all(accounts.map(({ id }) => admin.patch(`/api/accounts/${id}/`, { active: false }))),
  );
  expect(tally(answers)).toEqual({ 200: CROWD });
});

test("of two statements that take the role from the last two admins at once, one fails", async () => {
  await inEmptyDatabase(async (url) => {
    const sql = owner(url);
    const admins = await sql`
      INSERT INTO users (username, email, password_hash, role)
      SELECT 'admin-' || n, 'admin@example.org', repeat('x', 60), 'admin' FROM generate_series(1, 2) n RETURNING id`;
    const lock = await holdLock("SELECT FROM users FOR UPDATE", [], url);
    const results = await raceBehind(lock, 2, () =>
      Promise.allSettled(admins.map(({ id }) => sql`UPDATE users SET role = 'clinician' WHERE id = ${id}`)),
    );
    const failure = results.find(({ status }) => status === "rejected");
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(failure).toMatchObject({ reason: { constraint: "users_last_admin" } });
    expect(await sql`SELECT FROM users WHERE role = 'admin'`).toHaveLength(1);
  });
});

test("the last active admin who disables itself, or makes itself a clinician, gets 409", async () => {
  await inEmptyDatabase(async (url) => {
    const api = connectApi({ DATABASE_URL: url });
    const { id, username } = await signUp(api);
    await owner(url)`UPDATE users SET role = 'admin' WHERE id = ${id}`;
    const { access: token } = await logIn(api, username);
    for (const changes of [{ active: false }, { role: "clinician" }]) {
      const answer = await api.patch(`/api/accounts/${id}/`, changes, { token });
      expect(answer).toEqual(problem(409, "This is the last active admin.", "last_admin"));
    }
    expect((await api.get("/api/accounts/", { token })).status).toBe(200);
  });
});
