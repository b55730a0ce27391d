import { expect, inject, test } from "vitest";
import { newAccount, unique } from "../support/accounts.ts";
import { asOwner, owner } from "../support/owner.ts";
import { rounds, tally } from "../support/races.ts";

test.each(rounds(6))(
  "of two admins who disable each other at once one does, and the other is none any more, round %i",
  async () => {
    const [one, other] = [await newAccount(undefined, "admin"), await newAccount(undefined, "admin")];
    const answers = await Promise.all([
      one.patch(`/api/accounts/${other.id}/`, { active: false }),
      other.patch(`/api/accounts/${one.id}/`, { role: "clinician" }),
    ]);
    expect(tally(answers)).toEqual({ 200: 1, 401: 1 });
    const left = await asOwner`
    SELECT id FROM users WHERE id IN (${one.id}, ${other.id}) AND role = 'admin' AND active`;
    expect(left).toHaveLength(1);
  },
);

test.each(rounds(6))(
  "of the last two admins one stays, whoever is taken the role from at once, round %i",
  async () => {
    const sql = owner(inject("cloud").fillableUrl);
    await sql`
    INSERT INTO users (username, email, password_hash, role)
    SELECT ${unique("admin-")} || n, 'admin@example.org', repeat('x', 60), 'admin' FROM generate_series(1, 2) n`;
    const admins = await sql`SELECT id FROM users WHERE role = 'admin' AND active ORDER BY id DESC`;
    const [first, second, ...others] = admins.map((row) => Number(row["id"]));
    await sql`UPDATE users SET active = false WHERE id = ANY (${others})`;
    const done = await Promise.allSettled(
      [first, second].map((id) => sql`UPDATE users SET role = 'clinician' WHERE id = ${id}`),
    );
    const refused = done.find(({ status }) => status === "rejected");
    expect(done.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(refused).toMatchObject({ reason: { constraint: "users_last_admin" } });
    expect(await sql`SELECT FROM users WHERE role = 'admin' AND active`).toHaveLength(1);
  },
);
