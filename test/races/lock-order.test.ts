import { expect, test } from "vitest";
import {
  newAccount,
  PASSWORD,
  setPassword,
  type TestAccount,
  withNewToken,
  withToken,
} from "../support/accounts.ts";
import { addMember, newClinic, newMember } from "../support/clinics.ts";
import { type HeldLock, holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import { postEmergencyAccess } from "../support/ownership.ts";
import { connectWithoutLimits, lockRecords, raceBehind } from "../support/races.ts";
import { postDoctor, postPatient } from "../support/resources.ts";

// Two statements that lock the same rows in another order are a deadlock. The order of all
// statements: src/db/query/lock-order.ts.

const api = connectWithoutLimits();
const admin = await newAccount(api, "admin");

const membersPath = (clinic: number) => `/api/clinics/${clinic}/members/`;
const lockMembership = (clinic: number, { id }: { id: number }) =>
  holdLock("SELECT FROM memberships WHERE clinic_id = $1 AND account_id = $2 FOR UPDATE", [clinic, id]);
const openSessionsOf = ({ id }: { id: number }) =>
  asOwner`SELECT id, clinic_id FROM sessions WHERE user_id = ${id} AND ended_at IS NULL`;
const statuses = (answers: { status: number }[]) => answers.map(({ status }) => status);

/** Sends the first request, and the second one when the first waits for `lock`. Both wait when it is released. */
async function raceInTurn<Answer>(
  lock: HeldLock,
  first: () => Promise<Answer>,
  second: () => Promise<Answer>,
) {
  const sent = first();
  await lock.waiters(1);
  return raceBehind(lock, 2, () => Promise.all([sent, second()]));
}

test.each<[what: string, transferOf: (id: number, clinic: number) => [path: string, body: object]]>([
  ["of one patient", (id, clinic) => [`/api/patients/${id}/transfer/`, { to: { clinic } }]],
  ["of listed patients", (id, clinic) => ["/api/patients/transfer/", { patients: [id], to: { clinic } }]],
])(
  "a transfer %s from the clinic of the session, and a change of a member of the other clinic, are no deadlock",
  async (_, transferOf) => {
    const [other, own] = [await newClinic(), await newClinic()];
    const manager = await newMember(api, own, "manager");
    await addMember(other, manager, "manager");
    const { id } = await postPatient(manager);
    const last = await newMember(api, other, "clerk");
    // The change has the manager's membership in the other clinic, and needs the one in the own clinic next.
    const answers = await raceInTurn(
      await lockMembership(other, last),
      () => manager.patch(`${membersPath(other)}${last.id}/`, { role: "reader" }),
      () => manager.post(...transferOf(id, other)),
    );
    expect(statuses(answers)).toEqual([200, 200]);
  },
);

test("a transfer that waits for a patient, its change and a change of its clinic's members are no deadlock", async () => {
  const [one, two] = [await newClinic(), await newClinic()];
  const clerk = await newMember(api, one, "clerk");
  const manager = await newMember(api, one, "manager");
  await addMember(two, manager, "manager");
  const patient = await postPatient(clerk);
  const lock = await lockRecords("patients", clerk);
  const change = clerk.patch(`/api/patients/${patient.id}/`, { age: 40 });
  await lock.waiters(1);
  const transfer = manager.post("/api/patients/transfer/", { patients: [patient.id], to: { clinic: two } });
  await lock.waiters(2);
  // It has the clerk's membership and waits for the manager's, if the transfer has locked that one before the patient.
  const lowered = admin.patch(`${membersPath(one)}${clerk.id}/`, { role: "reader" });
  const done = await Promise.race([lowered, lock.waiters(3).then(() => undefined)]);
  await lock.release();
  expect(done?.status).toBe(200);
  expect(statuses([await change, await transfer])).toEqual([401, 200]);
});

test.each<
  [
    what: string,
    send: (colleague: TestAccount, patient: number) => Promise<{ status: number }>,
    status: number,
  ]
>([
  [
    "an assignment",
    async (colleague, patient) =>
      colleague.post("/api/mappings/", { patient, doctor: (await postDoctor(colleague)).id }),
    400,
  ],
  [
    "an emergency access",
    async (colleague, id) => {
      await asOwner`UPDATE users SET role = 'admin' WHERE id = ${colleague.id}`;
      return postEmergencyAccess(colleague, { id });
    },
    404,
  ],
])(
  "%s that waits for the deletion of its patient does not keep the clinic's members from being changed",
  async (_, send, status) => {
    const clinic = await newClinic();
    const [clerk, clinician, colleague] = [
      await newMember(api, clinic, "clerk"),
      await newMember(api, clinic, "clinician"),
      await newMember(api, clinic, "clinician"),
    ];
    const { id } = await postPatient(clerk);
    // The deletion has the patient, and needs its caller's membership next, which the change of a member has.
    const lock = await holdLock("SELECT FROM sessions WHERE id = $1::uuid FOR UPDATE", [clinician.sid]);
    const deletion = clinician.delete(`/api/patients/${id}/`);
    await lock.waiters(1);
    const sent = send(colleague, id);
    await lock.waiters(2);
    const lowered = admin.patch(`${membersPath(clinic)}${clerk.id}/`, { role: "reader" });
    const done = await Promise.race([lowered, lock.waiters(3)]);
    await lock.release();
    expect(statuses([await deletion, await sent, await lowered])).toEqual([204, status, 200]);
    expect(done).toMatchObject({ status: 200 });
  },
);

test("a move of the session in which its manager changes a member of the clinic is no deadlock", async () => {
  const clinic = await newClinic();
  const manager = await newAccount(api);
  await addMember(clinic, manager, "manager");
  const clerk = await newAccount(api);
  const lock = await holdLock("SELECT FROM clinics WHERE id = $1 FOR UPDATE", [clinic]);
  const answers = await raceInTurn(
    lock,
    () => manager.post(membersPath(clinic), { account: clerk.id, role: "clerk" }),
    () => manager.post("/api/auth/clinic/", { clinic }),
  );
  expect(statuses(answers)).toEqual([201, 200]);
});

test("an invitation to a clinic and a change of the clinic are no deadlock", async () => {
  const clinic = await newClinic();
  const manager = await newMember(api, clinic, "manager");
  const lock = await holdLock("SELECT FROM sessions WHERE id = $1::uuid FOR UPDATE", [manager.sid]);
  const invitation = manager.post("/api/invitations/", {
    ...{ email: "grace@example.org", role: "clinician", clinic, clinic_role: "clerk" },
  });
  await lock.waiters(1);
  const renamed = admin.patch(`/api/clinics/${clinic}/`, { name: "South" });
  const done = await Promise.race([renamed, lock.waiters(2)]);
  await lock.release();
  expect(statuses([await invitation, await renamed])).toEqual([201, 200]);
  expect(done).toMatchObject({ status: 200 });
});

test("two admins who end each other's sessions at once: one is 204 and the other 401", async () => {
  const [one, other] = [await newAccount(api, "admin"), await newAccount(api, "admin")];
  const lock = await holdLock("SELECT FROM sessions WHERE user_id IN ($1, $2) FOR UPDATE", [
    one.id,
    other.id,
  ]);
  const answers = await raceBehind(lock, 2, () =>
    Promise.all([
      one.delete(`/api/accounts/${other.id}/sessions/`),
      other.delete(`/api/accounts/${one.id}/sessions/`),
    ]),
  );
  expect(statuses(answers).sort()).toEqual([204, 401]);
});

/** Requests that end several sessions of an account. */
const sessionEnds: [what: string, send: (account: TestAccount) => Promise<{ status: number }>][] = [
  [
    "a change of the password",
    (account) => account.post("/api/auth/password/", { current: PASSWORD, new: "another horse entirely" }),
  ],
  ["the end of all sessions", (account) => account.delete("/api/auth/sessions/")],
  ["the end of all sessions by an admin", (account) => admin.delete(`/api/accounts/${account.id}/sessions/`)],
];

test.each(sessionEnds)("%s and the deletion of the clinic at once are no deadlock", async (_, send) => {
  const clinic = await newClinic();
  const member = await newAccount(api);
  await addMember(clinic, member, "clerk");
  await setPassword(member.id, PASSWORD);
  const sessions = [member, await withNewToken(member), await withNewToken(member)].sort((one, other) =>
    one.sid < other.sid ? 1 : -1,
  );
  // The index on the time has them in the opposite order of their ids, and so has the table.
  for (const [days, { sid }] of sessions.entries())
    await asOwner`
      UPDATE sessions SET clinic_id = ${clinic}, expires_at = now() + make_interval(days => ${days + 1}) WHERE id = ${sid}::uuid`;
  const [last, middle] = sessions as [TestAccount, TestAccount];
  const answers = await raceInTurn(
    await holdLock("SELECT FROM sessions WHERE id = $1::uuid FOR UPDATE", [middle.sid]),
    async () => send(await withToken(last, { clinic })),
    () => admin.delete(`/api/clinics/${clinic}/`),
  );
  expect(answers.map(({ status }) => status < 300)).toEqual([true, true]);
});

test("of a move of the session and a change of the password at once, the second is 401, and one session is open", async () => {
  const clinic = await newClinic();
  const prepare = async () => {
    const member = await newAccount(api);
    await addMember(clinic, member, "clerk");
    await setPassword(member.id, PASSWORD);
    const move = () => member.post("/api/auth/clinic/", { clinic });
    const change = () =>
      member.post("/api/auth/password/", { current: PASSWORD, new: "another horse entirely" });
    return { member, move, change };
  };
  const one = await prepare();
  const moved = await raceInTurn(await lockMembership(clinic, one.member), one.move, one.change);
  expect(statuses(moved)).toEqual([200, 401]);
  expect(await openSessionsOf(one.member)).toEqual([{ id: one.member.sid, clinic_id: clinic }]);
  const other = await prepare();
  const session = await holdLock("SELECT FROM sessions WHERE id = $1::uuid FOR UPDATE", [other.member.sid]);
  const changed = await raceInTurn(session, other.change, other.move);
  expect(statuses(changed)).toEqual([200, 401]);
  expect(await openSessionsOf(other.member)).toMatchObject([{ clinic_id: other.member.id }]);
  expect((await api.get("/api/patients/", { token: changed[0].body.access })).status).toBe(200);
});
