import { expect, test } from "vitest";
import { newAccount, revocations, type TestAccount } from "../support/accounts.ts";
import type { ApiResponse } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import { postRestore } from "../support/ownership.ts";
import { insertRecords } from "../support/pages.ts";
import { problem } from "../support/problems.ts";
import {
  atOnce,
  CROWD,
  connectWithoutLimits,
  lockRecords,
  onceReleased,
  raceBehind,
  rounds,
  tally,
} from "../support/races.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";

const api = connectWithoutLimits();

test("PATCHes of different fields of one patient at once all take effect", async () => {
  const nurse = await newAccount(api);
  const patient = await postPatient(nurse);
  const path = `/api/patients/${patient.id}/`;
  const changes = [{ firstname: "Augusta" }, { lastname: "King" }, { age: 37 }, { gender: "O" }];
  const send = () => atOnce(changes.length, (index) => nurse.patch(path, changes[index]));
  expect(tally(await onceReleased("patients", nurse, send, changes.length))).toEqual({ 200: 4 });
  const { body } = await nurse.get(path);
  expect(body).toEqual({ ...patient, ...Object.assign({}, ...changes), updated_at: body.updated_at });
});

test("patients that swap their emails at once are all 409 and keep their own", async () => {
  const nurse = await newAccount(api);
  await insertRecords("patients", nurse, CROWD);
  const { body: patients } = await nurse.get("/api/patients/");
  // Each swaps with a neighbour: 0 with 1, 2 with 3. PostgreSQL may find deadlocks among them.
  const swap = (index: number) =>
    nurse.patch(`/api/patients/${patients[index].id}/`, { email: patients[index ^ 1].email });
  const answers = await onceReleased("patients", nurse, () => atOnce(CROWD, swap), CROWD);
  expect(tally(answers)).toEqual({ 409: CROWD });
});

const orders = ["assignments first", "deletions first", "all at once"] as const;
type Order = (typeof orders)[number];
/** The possible numbers of assignments that are made, in a race of that order. */
const possible: Record<Order, number[]> = {
  "assignments first": [CROWD],
  "deletions first": [0],
  "all at once": rounds(CROWD + 1),
};
type Send = (index: number) => Promise<ApiResponse>;
const DELETIONS = 3;

/**
 * The answers to `CROWD` assignments and to three deletions of what they assign, which wait for one lock in that
 * order.
 */
async function raceAssignments(
  table: "patients" | "doctors",
  nurse: TestAccount,
  order: Order,
  assign: Send,
  remove: Send,
) {
  const lock = await lockRecords(table, nurse);
  const [assigned, deleted] = await raceBehind(lock, CROWD + DELETIONS, async () => {
    if (order === "deletions first") {
      const deletions = atOnce(DELETIONS, remove);
      await lock.waiters(DELETIONS);
      return Promise.all([atOnce(CROWD, assign), deletions]);
    }
    const assignments = atOnce(CROWD, assign);
    if (order === "assignments first") await lock.waiters(CROWD);
    return Promise.all([assignments, atOnce(DELETIONS, remove)]);
  });
  return { assigned, deleted, refused: assigned.filter(({ status }) => status !== 201) };
}

test.each(orders)(
  "a doctor who is assigned and deleted at once, %s, is either assigned or deleted",
  async (order) => {
    const nurse = await newAccount(api);
    const patients = await insertRecords("patients", nurse, CROWD);
    const { id: doctor } = await postDoctor(nurse);
    const assign: Send = (index) => nurse.post("/api/mappings/", { patient: patients[index], doctor });
    const remove = () => nurse.delete(`/api/doctors/${doctor}/`);
    const { assigned, deleted, refused } = await raceAssignments("doctors", nurse, order, assign, remove);
    const left = await asOwner`SELECT id FROM mappings WHERE doctor_id = ${doctor}`;
    const gone = [{ 400: CROWD }, { 204: 1, 404: 2 }, 0];
    const kept = [{ 201: CROWD }, { 409: 3 }, CROWD];
    expect(possible[order]).toContain(left.length);
    expect([tally(assigned), tally(deleted), left.length]).toEqual(refused.length > 0 ? gone : kept);
    for (const { body } of refused) expect(body.errors).toEqual({ doctor: ["There is no such doctor."] });
  },
);

test.each(orders)(
  "a patient that is assigned and deleted at once, %s, keeps no assignment, and restoring brings back each that was 201",
  async (order) => {
    const nurse = await newAccount(api);
    const doctors = await insertRecords("doctors", nurse, CROWD);
    const { id: patient } = await postPatient(nurse);
    const assign: Send = (index) => nurse.post("/api/mappings/", { patient, doctor: doctors[index] });
    const remove = () => nurse.delete(`/api/patients/${patient}/`);
    const { assigned, deleted, refused } = await raceAssignments("patients", nurse, order, assign, remove);
    expect(tally(deleted)).toEqual({ 204: 1, 404: 2 });
    for (const { body } of refused) expect(body.errors).toEqual({ patient: ["There is no such patient."] });
    expect((await nurse.get("/api/mappings/")).body).toEqual([]);
    const restored = await nurse.post(`/api/patients/${patient}/restore/`);
    const created = assigned.filter(({ status }) => status === 201).map(({ body }) => body.doctor);
    expect(possible[order]).toContain(created.length);
    expect(restored).toMatchObject({
      status: 200,
      body: { id: patient, doctors: created.sort((a, b) => a - b) },
    });
    expect((await nurse.get("/api/mappings/")).body).toHaveLength(created.length);
  },
);

/** Sends a request that waits for a lock, and revokes its account's token before the lock is released. */
async function revokeWhileWaiting(
  revoke: (id: number) => Promise<unknown>,
  table: "patients" | "doctors",
  account: TestAccount,
  send: () => Promise<ApiResponse>,
): Promise<ApiResponse> {
  const lock = await lockRecords(table, account);
  const answer = send();
  await lock.waiters(1);
  await revoke(account.id);
  await lock.release();
  return answer;
}

const disable = (id: number) => asOwner`UPDATE users SET active = false WHERE id = ${id}`;

test.each<[what: string, change: (nurse: TestAccount, id: number) => Promise<ApiResponse>]>([
  ["PATCH", (nurse, id) => nurse.patch(`/api/patients/${id}/`, { age: 99 })],
  ["DELETE", (nurse, id) => nurse.delete(`/api/patients/${id}/`)],
  [
    "a transfer",
    async (nurse, id) => {
      await newAccount(api, "admin"); // the last admin could not be disabled
      await asOwner`UPDATE users SET role = 'admin' WHERE id = ${nurse.id}`;
      return nurse.post(`/api/patients/${id}/transfer/`, { to: (await newAccount(api)).id });
    },
  ],
])(
  "%s of a patient by an account that is disabled while it waits for the lock is 401 and changes nothing",
  async (_, change) => {
    const nurse = await newAccount(api);
    const { id } = await postPatient(nurse);
    const answer = await revokeWhileWaiting(disable, "patients", nurse, () => change(nurse, id));
    expect(answer).toEqual(problem(401, "The access token has been revoked."));
    expect(await asOwner`SELECT age, owner_id FROM patients WHERE id = ${id}`).toEqual([
      { age: 36, owner_id: nurse.id },
    ]);
    expect((await auditEventsOf(answer)).map(({ outcome }) => outcome)).toEqual(["refused"]);
  },
);

// A session that expires meanwhile had not expired when the statement began, whose now() counts.
const revocationsDuringWait = revocations.filter(([when]) => when !== "its session expired");

test.each(revocationsDuringWait)(
  "PATCH of a patient is 401 and changes nothing when, while it waits for the lock, %s",
  async (_, revoke) => {
    const nurse = await newAccount(api);
    const { id } = await postPatient(nurse);
    const change = () => nurse.patch(`/api/patients/${id}/`, { age: 99 });
    expect((await revokeWhileWaiting(revoke, "patients", nurse, change)).status).toBe(401);
    expect(await asOwner`SELECT age FROM patients WHERE id = ${id}`).toEqual([{ age: 36 }]);
  },
);

/** Prepares a request of an admin: how to send it, and what it would change in the database. */
type Prepare = (
  admin: TestAccount,
) => Promise<{ send: () => Promise<ApiResponse>; state: () => Promise<unknown> }>;

test.each<[what: string, prepare: Prepare]>([
  [
    "the deletion of an assignment",
    async (admin) => {
      const { id } = await assignDoctor(admin);
      return {
        send: () => admin.delete(`/api/mappings/${id}/`),
        state: () => asOwner`SELECT FROM mappings WHERE id = ${id}`,
      };
    },
  ],
  [
    "the restoration of a patient",
    async (admin) => {
      const { id } = await postPatient(admin);
      await admin.delete(`/api/patients/${id}/`);
      return {
        send: () => postRestore(admin, { id }),
        state: () => asOwner`SELECT owner_id FROM patients WHERE id = ${id}`,
      };
    },
  ],
  [
    "a transfer of all patients",
    async (admin) => {
      const [from, to] = [await newAccount(api), await newAccount(api)];
      const { id } = await postPatient(from);
      return {
        send: () => admin.post("/api/patients/transfer/", { from: from.id, to: to.id }),
        state: () => asOwner`SELECT owner_id FROM patients WHERE id = ${id}`,
      };
    },
  ],
  [
    "the withdrawal of an invitation",
    async (admin) => {
      const body = { email: "grace@example.org", role: "clinician" };
      const { id } = (await admin.post("/api/invitations/", body)).body;
      return {
        send: () => admin.delete(`/api/invitations/${id}/`),
        state: () => asOwner`SELECT FROM invitations WHERE id = ${id}`,
      };
    },
  ],
  [
    "the end of another account's sessions",
    async (admin) => {
      const { id } = await newAccount(api);
      return {
        send: () => admin.delete(`/api/accounts/${id}/sessions/`),
        state: () => asOwner`SELECT ended_at FROM sessions WHERE user_id = ${id}`,
      };
    },
  ],
])(
  "%s by an admin whom a concurrent transaction disables first is 401 and changes nothing",
  async (_, prepare) => {
    await newAccount(api, "admin"); // the last admin could not be disabled
    const admin = await newAccount(api, "admin");
    const { send, state } = await prepare(admin);
    const before = await state();
    const disabling = await holdLock("UPDATE users SET active = false WHERE id = $1", [admin.id]);
    expect(await raceBehind(disabling, 1, send)).toEqual(problem(401, "The access token has been revoked."));
    expect(await state()).toEqual(before);
  },
);

test("an assignment by an account that is disabled while it waits for the doctor's lock is 401 and not made", async () => {
  const nurse = await newAccount(api);
  const ids = { patient: (await postPatient(nurse)).id, doctor: (await postDoctor(nurse)).id };
  const answer = await revokeWhileWaiting(disable, "doctors", nurse, () => nurse.post("/api/mappings/", ids));
  expect(answer.status).toBe(401);
  expect(await asOwner`SELECT FROM mappings WHERE patient_id = ${ids.patient}`).toEqual([]);
});
