import { expect, test } from "vitest";
import { logIn, newAccount, signUp } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { inEmptyDatabase } from "../support/empty-database.ts";
import { asOwner, owner } from "../support/owner.ts";
import { problem } from "../support/problems.ts";
import { rounds, tally } from "../support/races.ts";

test.each(rounds(6))("of two admins who disable each other at once one does, round %i", async () => {
  const [one, other] = [await newAccount(undefined, "admin"), await newAccount(undefined, "admin")];
  const answers = await Promise.all([
    one.patch(`/api/accounts/${other.id}/`, { active: false }),
    other.patch(`/api/accounts/${one.id}/`, { role: "clinician" }),
  ]);
  expect(tally(answers)).toEqual({ 200: 1, 401: 1 });
  const left = await asOwner`
    SELECT id FROM users WHERE id IN (${one.id}, ${other.id}) AND role = 'admin' AND active`;
  expect(left).toHaveLength(1);
});

test("of the last two admins one stays, whoever is taken the role from at once", async () => {
  await inEmptyDatabase(async (url) => {
    const sql = owner(url);
    const [first, second] = await sql`
      INSERT INTO users (username, email, password_hash, role)
      SELECT 'admin-' || n, 'admin@example.org', repeat('x', 60), 'admin' FROM generate_series(1, 2) n RETURNING id`;
    for (const _ of rounds(6)) {
      await sql`UPDATE users SET role = 'admin'`;
      const done = await Promise.allSettled(
        [first, second].map((row) => sql`UPDATE users SET role = 'clinician' WHERE id = ${row?.["id"]}`),
      );
      const refused = done.find(({ status }) => status === "rejected");
      expect(done.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      expect(refused).toMatchObject({ reason: { constraint: "users_last_admin" } });
      expect(await sql`SELECT FROM users WHERE role = 'admin'`).toHaveLength(1);
    }
  });
});

test("the last active admin is 409 to disable and to make a clinician, by itself too", async () => {
  await inEmptyDatabase(async (url) => {
    const api = connectApi({ DATABASE_URL: url });
    const { id, username } = await signUp(api);
    await owner(url)`UPDATE users SET role = 'admin' WHERE id = ${id}`;
    const { access: token } = await logIn(api, username);
    for (const changes of [{ active: false }, { role: "clinician" }]) {
      const answer = await api.patch(`/api/accounts/${id}/`, changes, { token });
      expect(answer).toEqual(problem(409, "This is the last active admin."));
    }
    expect((await api.get("/api/accounts/", { token })).status).toBe(200);
  });
});
