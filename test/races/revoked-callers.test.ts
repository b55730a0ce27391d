import { expect, test } from "vitest";
import { newAccount, revocations, type TestAccount } from "../support/accounts.ts";
import type { ApiResponse } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import { postEmergencyAccess, postRestore, postTransfer, REASON } from "../support/ownership.ts";
import { problem } from "../support/problems.ts";
import { connectWithoutLimits, lockRecords, raceBehind } from "../support/races.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";

const api = connectWithoutLimits();

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
      return postTransfer(nurse, { id }, await newAccount(api));
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
        send: () => admin.post("/api/patients/transfer/", { from: from.id, to: to.id, reason: REASON }),
        state: () => asOwner`SELECT owner_id FROM patients WHERE id = ${id}`,
      };
    },
  ],
  [
    "emergency access",
    async (admin) => {
      const { id } = await postPatient(await newAccount(api));
      return {
        send: () => postEmergencyAccess(admin, { id }),
        state: () => asOwner`SELECT FROM emergency_accesses WHERE patient_id = ${id}`,
      };
    },
  ],
  [
    "an invitation",
    async (admin) => ({
      send: () => admin.post("/api/invitations/", { email: "grace@example.org", role: "admin" }),
      state: () => asOwner`SELECT FROM invitations WHERE created_by = ${admin.id}`,
    }),
  ],
  [
    "the withdrawal of an invitation",
    async (admin) => {
      const body = { email: "grace@example.org", role: "clinician" };
      const { id } = (await (await newAccount(api, "admin")).post("/api/invitations/", body)).body;
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
