import { describe, expect, test } from "vitest";
import { newAccount, revocations, type TestAccount } from "../support/accounts.ts";
import type { ApiResponse } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { addMember, newClinic } from "../support/clinics.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import { postEmergencyAccess, postErase, postRestore, postTransfer, REASON } from "../support/ownership.ts";
import { problem } from "../support/problems.ts";
import { connectWithoutLimits, lockRecords, raceBehind } from "../support/races.ts";
import { assignDoctor, newDoctor, newPatient, postDoctor, postPatient } from "../support/resources.ts";

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

async function moveSession(id: number): Promise<void> {
  const clinic = await newClinic();
  await addMember(clinic, { id }, "clerk");
  await asOwner`UPDATE sessions SET clinic_id = ${clinic} WHERE user_id = ${id}`;
}

// A session that expires meanwhile had not expired when the statement began, whose now() counts.
const revocationsDuringWait: [when: string, revoke: (id: number) => Promise<unknown>, code: string][] = [
  ...revocations
    .filter(([when]) => when !== "its session expired")
    .map(([when, revoke]): (typeof revocationsDuringWait)[number] => [when, revoke, "token_revoked"]),
  [
    "its membership has ended",
    (id) => asOwner`UPDATE memberships SET ended_at = now() WHERE account_id = ${id}`,
    "membership_ended",
  ],
  ["its session has moved to another clinic", moveSession, "clinic_changed"],
  [
    "its role in the clinic was lowered",
    (id) => asOwner`UPDATE memberships SET role = 'reader' WHERE account_id = ${id}`,
    "token_revoked",
  ],
  [
    "its clinic is not active any more",
    (id) => asOwner`UPDATE clinics SET active = false WHERE id = ${id}`,
    "token_revoked",
  ],
];

test.each(revocationsDuringWait)(
  "PATCH of a patient is 401 and changes nothing when, while it waits for the lock, %s",
  async (_, revoke, code) => {
    const nurse = await newAccount(api);
    const { id } = await postPatient(nurse);
    const change = () => nurse.patch(`/api/patients/${id}/`, { age: 99 });
    expect(await revokeWhileWaiting(revoke, "patients", nurse, change)).toMatchObject({
      status: 401,
      body: { code },
    });
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
    "a change of an assignment",
    async (admin) => {
      const { id } = await assignDoctor(admin);
      return {
        send: () => admin.patch(`/api/mappings/${id}/`, { primary: true }),
        state: () => asOwner`SELECT is_primary FROM mappings WHERE id = ${id}`,
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
    "the erasure of a patient",
    async (admin) => {
      const patient = await postPatient(admin);
      await admin.delete(`/api/patients/${patient.id}/`);
      return {
        send: () => postErase(admin, patient),
        state: () => asOwner`SELECT FROM patients WHERE id = ${patient.id}`,
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
    "an invitation",
    async (admin) => ({
      send: () => admin.post("/api/invitations/", { email: "grace@example.org", role: "clinician" }),
      state: () => asOwner`SELECT FROM invitations WHERE created_by = ${admin.id}`,
    }),
  ],
  [
    "an emergency access",
    async (admin) => {
      const patient = await postPatient(await newAccount(api));
      return {
        send: () => postEmergencyAccess(admin, patient),
        state: () => asOwner`SELECT FROM emergency_accesses WHERE account_id = ${admin.id}`,
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

const KEY = { "Idempotency-Key": "one" };
/** Takes the advisory lock of a function of drizzle/0005_who_gets_in.sql, by the text that it hashes. */
const holdAdvisoryLock = (text: string) =>
  holdLock("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [text]);
const keyLock = ({ id }: TestAccount) => `key ${id} ${KEY["Idempotency-Key"]}`;

/** A creation with a key: the text of the advisory lock against duplicates, and how to send it. */
type Creation = { lock: string; send: () => Promise<ApiResponse> };

const creations: [what: string, prepare: (nurse: TestAccount) => Promise<Creation>][] = [
  [
    "the creation of a patient",
    async (nurse) => {
      const body = newPatient();
      const send = () => nurse.post("/api/patients/", body, { headers: KEY });
      return { lock: `patient ${nurse.id} ${body.email}`, send };
    },
  ],
  [
    "the creation of a doctor",
    async (nurse) => {
      const body = newDoctor();
      return {
        lock: `doctor ${body.email}`,
        send: () => nurse.post("/api/doctors/", body, { headers: KEY }),
      };
    },
  ],
  [
    "an assignment",
    async (nurse) => {
      const body = { patient: (await postPatient(nurse)).id, doctor: (await postDoctor(nurse)).id };
      const send = () => nurse.post("/api/mappings/", body, { headers: KEY });
      return { lock: `assignment ${body.patient} ${body.doctor}`, send };
    },
  ],
  [
    "an import",
    async (nurse) => {
      const raw = JSON.stringify(newPatient());
      const headers = { "Content-Type": "application/x-ndjson", ...KEY };
      const send = () => nurse.post("/api/patients/import/", undefined, { raw, headers });
      return { lock: `patients ${nurse.id}`, send };
    },
  ],
];

/** What an account has created, with its keys. */
const createdBy = async ({ id }: TestAccount) => [
  await asOwner`SELECT FROM patients WHERE created_by = ${id}`,
  await asOwner`SELECT FROM doctors WHERE created_by = ${id}`,
  await asOwner`SELECT FROM mappings WHERE owner_id = ${id}`,
  await asOwner`SELECT FROM idempotency_keys WHERE account_id = ${id}`,
];

/** Sends a creation that waits for an advisory lock, and revokes its account's token before the lock is released. */
async function revokeBeforeCreation(
  lockOf: (creation: Creation, nurse: TestAccount) => string,
  prepare: (nurse: TestAccount) => Promise<Creation>,
  revoke: (id: number) => Promise<unknown>,
  code = "token_revoked",
) {
  const nurse = await newAccount(api);
  const creation = await prepare(nurse);
  const before = await createdBy(nurse);
  const lock = await holdAdvisoryLock(lockOf(creation, nurse));
  await api.databaseRequests();
  const sent = creation.send();
  await lock.waiters(1);
  await revoke(nurse.id);
  await lock.release();
  const answer = await sent;
  expect(answer).toMatchObject({ status: 401, body: { code } });
  // The revocation did not wait for the creation until its deadline: the account was locked after the wait only.
  expect(await api.databaseRequests()).toBe(1);
  expect(await createdBy(nurse)).toEqual(before);
  expect((await auditEventsOf(answer)).map(({ outcome }) => outcome)).toEqual(["refused"]);
}

describe.each(creations)(
  "%s by an account that is disabled while it waits is 401 and creates nothing:",
  (_, prepare) => {
    test("for a concurrent request with the same key", () =>
      revokeBeforeCreation((_creation, nurse) => keyLock(nurse), prepare, disable));

    test("for a concurrent creation of the same", () =>
      revokeBeforeCreation(({ lock }) => lock, prepare, disable));
  },
);

test.each(revocationsDuringWait)(
  "POST of a patient is 401 and creates nothing when, while it waits, %s",
  async (_, revoke, code) => {
    const [, prepare] = creations[0] ?? expect.unreachable();
    await revokeBeforeCreation(({ lock }) => lock, prepare, revoke, code);
  },
);

test("a request with the key of a concurrent one is 401 when its account is disabled before it gets the stored answer", async () => {
  const nurse = await newAccount(api);
  const sent = newPatient();
  const post = () => nurse.post("/api/patients/", sent, { headers: KEY });
  // The first request waits here with the lock of the key, and the second one for that lock.
  const lock = await holdAdvisoryLock(`patient ${nurse.id} ${sent.email}`);
  const first = post();
  await lock.waiters(1);
  const second = post();
  await lock.waiters(2);
  await disable(nurse.id);
  await lock.release();
  expect([(await first).status, (await second).status]).toEqual([401, 401]);
  expect(await asOwner`SELECT FROM patients WHERE created_by = ${nurse.id}`).toEqual([]);
});

test.each(creations)(
  "%s that was done already is answered again without a wait for the locks of its creation",
  async (_, prepare) => {
    const nurse = await newAccount();
    const { lock, send } = await prepare(nurse);
    const first = await send();
    const locks = await Promise.all([holdAdvisoryLock(lock), holdAdvisoryLock(keyLock(nurse))]);
    const replay = await send().finally(() => Promise.all(locks.map((held) => held.release())));
    expect(replay.body).toEqual(first.body);
    expect(replay.headers.get("Idempotency-Replayed")).toBe("true");
  },
);
