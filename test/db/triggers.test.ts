import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { assignedPair, insertAppointment } from "../support/appointments.ts";
import { asOwner } from "../support/owner.ts";
import { atOnce, CROWD } from "../support/races.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";

const openSession = (id: number, at = "now()") => asOwner`
  INSERT INTO sessions (user_id, token_version, created_at, expires_at)
  VALUES (${id}, 1, ${at}::timestamptz, now() + interval '1 day') RETURNING id`;
const sessionsOf = async (id: number) =>
  (await asOwner`SELECT id FROM sessions WHERE user_id = ${id} ORDER BY created_at`).map((row) => row["id"]);

test("an account keeps its newest 50 sessions, also when many are opened simultaneously", async () => {
  const { id, sid } = await newAccount();
  for (let day = 1; day <= 3; day += 1) await openSession(id, `2026-01-0${day}`);
  const [first, ...others] = await sessionsOf(id);
  await atOnce(46, () => openSession(id));
  expect(await sessionsOf(id)).toHaveLength(50);
  await openSession(id);
  expect(await sessionsOf(id)).not.toContain(first);
  expect(await sessionsOf(id)).toEqual(expect.arrayContaining([sid, ...others]));
  await atOnce(CROWD, () => openSession(id));
  expect(await sessionsOf(id)).toHaveLength(50);
});

test("a new session deletes the expired ones of its account, and ended ones do not count among the 50", async () => {
  const [{ id }, other] = [await newAccount(), await newAccount()];
  await asOwner`
    INSERT INTO sessions (user_id, token_version, expires_at, ended_at)
    SELECT ${id}, 1, now() + interval '1 day', now() FROM generate_series(1, 60)`;
  await asOwner`UPDATE sessions SET expires_at = now() - interval '1 second' WHERE user_id = ${other.id}`;
  expect(await sessionsOf(id)).toHaveLength(61);
  await openSession(id);
  expect(await sessionsOf(id)).toHaveLength(62);
  await openSession(other.id);
  expect(await sessionsOf(other.id)).toHaveLength(1);
});

test.each(["role = 'clinician'", "active = false"])(
  "%s is refused for the last active admin",
  async (change) => {
    await newAccount(undefined, "admin");
    const all = asOwner(Object.assign([`UPDATE users SET ${change} WHERE role = 'admin'`], { raw: [] }));
    await expect(all).rejects.toMatchObject({ constraint: "users_last_admin" });
  },
);

test("an audit event has the hash of its changes as they are stored; one without changes has none", async () => {
  const nurse = await newAccount();
  await postPatient(nurse);
  await nurse.get("/api/patients/");
  expect(
    await asOwner`
      SELECT action, changes_sha256 = encode(sha256(convert_to(changes::text, 'UTF8')), 'hex') AS is_hash, changes_sha256 IS NULL AS is_null
      FROM audit_events WHERE account_id = ${nurse.id} AND action IN ('create', 'list') ORDER BY action`,
  ).toEqual([
    { action: "create", is_hash: true, is_null: false },
    { action: "list", is_hash: null, is_null: true },
  ]);
});

test("the database has no more appointments on a day than the doctor's limit, also when many are inserted at once; with a reason it has", async () => {
  const nurse = await newAccount();
  const { doctor } = await assignedPair(nurse);
  await asOwner`UPDATE doctors SET max_appointments_per_day = 3 WHERE id = ${doctor.id}`;
  const patients = await atOnce(CROWD, async () => {
    const patient = await postPatient(nurse);
    await assignDoctor(nurse, { patient, doctor });
    return patient;
  });
  const insert = (index: number, reason: string | null = null) => asOwner`
    INSERT INTO appointments (patient_id, owner_id, doctor_id, starts_at, ends_at, time_zone, override_reason, created_by)
    SELECT ${patients[index]?.id}::int, ${nurse.id}, ${doctor.id}, start, start + interval '10 minutes', 'UTC', ${reason}, ${nurse.id}
    FROM (SELECT timestamptz '2027-03-01 08:00Z' + ${index} * interval '10 minutes' AS start) times RETURNING id`;
  const inserted = await Promise.allSettled(patients.map((_, index) => insert(index)));
  const refused = inserted.filter((result) => result.status === "rejected");
  expect(refused).toHaveLength(CROWD - 3);
  for (const { reason } of refused) expect(reason).toMatchObject({ constraint: "appointments_day_full" });
  const free = inserted.findIndex(({ status }) => status === "rejected");
  expect(await insert(free, "An emergency.")).toHaveLength(1);
});

test("the database has no open appointment without an assignment, and ends no assignment with open appointments", async () => {
  const nurse = await newAccount();
  const { patient, doctor, assignment } = await assignedPair(nurse);
  const other = await postDoctor(nurse);
  await expect(insertAppointment(patient, other)).rejects.toMatchObject({
    constraint: "appointments_assigned",
  });
  const id = await insertAppointment(patient, doctor);
  const moved = asOwner`UPDATE appointments SET doctor_id = ${other.id} WHERE id = ${id}`;
  await expect(moved).rejects.toMatchObject({ constraint: "appointments_assigned" });
  const end = () => asOwner`DELETE FROM mappings WHERE id = ${assignment.id} RETURNING id`;
  await expect(end()).rejects.toMatchObject({ constraint: "appointments_assigned" });
  await asOwner`UPDATE appointments SET status = 'no_show' WHERE id = ${id}`;
  expect(await end()).toHaveLength(1);
  const reopened = asOwner`UPDATE appointments SET status = 'arrived' WHERE id = ${id}`;
  await expect(reopened).rejects.toMatchObject({ constraint: "appointments_assigned" });
});
