import { expect, test } from "vitest";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import type { ApiResponse } from "../support/api.ts";
import { movedTo, newClinic, newMember } from "../support/clinics.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import { atOnce, CROWD, connectWithoutLimits, lockRecords, raceBehind, tally } from "../support/races.ts";
import { newPatient, postPatient } from "../support/resources.ts";

const api = connectWithoutLimits();
const admin = await newAccount(api, "admin");
/** The changes of accounts by one admin wait for each other. */
const secondAdmin = await newAccount(api, "admin");

const memberPath = (clinic: number, { id }: { id: number }) => `/api/clinics/${clinic}/members/${id}/`;
const lockMembers = (clinic: number) =>
  holdLock("SELECT FROM memberships WHERE clinic_id = $1 FOR UPDATE", [clinic]);
const managersOf = (clinic: number) => asOwner`
  SELECT account_id FROM memberships JOIN users ON users.id = account_id
  WHERE clinic_id = ${clinic} AND memberships.role = 'manager' AND ended_at IS NULL AND users.active`;

test("of two managers who take each other's role at once, one is 200 and stays the manager, and the other is refused", async () => {
  const clinic = await newClinic();
  const [one, other] = [await newMember(api, clinic, "manager"), await newMember(api, clinic, "manager")];
  const answers = await raceBehind(await lockMembers(clinic), 2, () =>
    Promise.all([
      one.patch(memberPath(clinic, other), { role: "clerk" }),
      other.patch(memberPath(clinic, one), { role: "clerk" }),
    ]),
  );
  expect(tally(answers)).toEqual({ 200: 1, 403: 1 });
  expect(await managersOf(clinic)).toHaveLength(1);
});

test.each<
  [what: string, send: (clinic: number, managers: [TestAccount, TestAccount]) => Promise<ApiResponse>[]]
>([
  [
    "removed and given a lower role",
    (clinic, [one, other]) => [
      admin.delete(memberPath(clinic, one)),
      admin.patch(memberPath(clinic, other), { role: "clerk" }),
    ],
  ],
  [
    "removed and disabled",
    (clinic, [one, other]) => [
      admin.delete(memberPath(clinic, one)),
      admin.patch(`/api/accounts/${other.id}/`, { active: false }),
    ],
  ],
  [
    "disabled by two admins",
    (_clinic, [one, other]) => [
      admin.patch(`/api/accounts/${one.id}/`, { active: false }),
      secondAdmin.patch(`/api/accounts/${other.id}/`, { active: false }),
    ],
  ],
])(
  "when the last two managers are %s at once, one request is 409 last_manager and one manager stays",
  async (_, send) => {
    const clinic = await newClinic();
    const managers: [TestAccount, TestAccount] = [
      await newMember(api, clinic, "manager"),
      await newMember(api, clinic, "manager"),
    ];
    // Where the trigger waits.
    const lock = await holdLock("SELECT pg_advisory_xact_lock(7205885, $1)", [clinic]);
    const answers = await raceBehind(lock, 2, () => Promise.all(send(clinic, managers)));
    expect(answers.filter(({ status }) => status < 300)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === "last_manager")).toHaveLength(1);
    expect(await managersOf(clinic)).toHaveLength(1);
  },
);

test("when the last two managers leave at once, one request is 409 last_manager", async () => {
  const clinic = await newClinic();
  const managers = [await newMember(api, clinic, "manager"), await newMember(api, clinic, "manager")];
  const answers = await raceBehind(await lockMembers(clinic), 2, () =>
    Promise.all(managers.map((manager) => manager.delete(memberPath(clinic, manager)))),
  );
  expect(tally(answers)).toEqual({ 204: 1, 409: 1 });
  expect(await managersOf(clinic)).toHaveLength(1);
});

test("a manager who is named while the account is disabled is 400, and the interim manager stays", async () => {
  const { id } = (await admin.post("/api/clinics/", { name: "North" })).body;
  const account = await newAccount(api);
  const disabling = await holdLock("UPDATE users SET active = false WHERE id = $1", [account.id]);
  const answer = await raceBehind(disabling, 1, () =>
    admin.post(`/api/clinics/${id}/members/`, { account: account.id, role: "manager" }),
  );
  expect(answer.status).toBe(400);
  expect(await managersOf(id)).toEqual([{ account_id: admin.id }]);
});

test("the same member added by a crowd at once is 201 once and 200 otherwise", async () => {
  const clinic = await newClinic();
  const manager = await newMember(api, clinic, "manager");
  const { id } = await newAccount(api);
  const answers = await raceBehind(await lockMembers(clinic), CROWD, () =>
    atOnce(CROWD, () => manager.post(`/api/clinics/${clinic}/members/`, { account: id, role: "clerk" })),
  );
  expect(tally(answers)).toEqual({ 200: CROWD - 1, 201: 1 });
});

test("a membership that ends while its account's change of a patient waits is 401 and changes nothing", async () => {
  const clinic = await newClinic();
  const manager = await newMember(api, clinic, "manager");
  const clerk = await newMember(api, clinic, "clerk");
  const { id } = await postPatient(clerk);
  const lock = await lockRecords("patients", clerk);
  const change = clerk.patch(`/api/patients/${id}/`, { age: 99 });
  await lock.waiters(1);
  expect((await manager.delete(memberPath(clinic, clerk))).status).toBe(204);
  await lock.release();
  expect((await change).status).toBe(401);
  expect(await asOwner`SELECT age FROM patients WHERE id = ${id}`).toEqual([{ age: 36 }]);
});

test("patients created while a clinic is deleted are in it, or 401 when it is gone", async () => {
  const clinic = await newClinic();
  const clerk = await newMember(api, clinic, "clerk");
  const answers = await raceBehind(await lockMembers(clinic), CROWD + 1, () =>
    Promise.all([
      ...Array.from({ length: CROWD / 2 }, () => clerk.post("/api/patients/", newPatient())),
      admin.delete(`/api/clinics/${clinic}/`),
      ...Array.from({ length: CROWD / 2 }, () => clerk.post("/api/patients/", newPatient())),
    ]),
  );
  const deletion = answers.find(({ status }) => status === 204 || status === 409);
  const creations = tally(answers.filter((answer) => answer !== deletion));
  if (deletion?.status === 204) expect(creations).toEqual({ 401: CROWD });
  else {
    expect(deletion?.body.code).toBe("clinic_not_empty");
    expect(creations).toEqual({ 201: CROWD });
  }
});

test("a patient that is created before a deletion of its clinic has the locks makes it 409", async () => {
  const clinic = await newClinic();
  const clerk = await newMember(api, clinic, "clerk");
  const creating = await holdLock(
    `WITH own AS (SELECT FROM memberships WHERE clinic_id = $1 AND account_id = $2 FOR SHARE)
     INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id)
     SELECT 'Ada', 'Lovelace', gen_random_uuid() || '@example.org', 36, 'F', $2::int, $1::int FROM own`,
    [clinic, clerk.id],
  );
  const answer = await raceBehind(creating, 1, () => admin.delete(`/api/clinics/${clinic}/`));
  expect(answer).toMatchObject({ status: 409, body: { code: "clinic_not_empty" } });
});

test("a session that moves into a clinic before its deletion has the locks goes on in the personal clinic", async () => {
  const clinic = await newClinic();
  const clerk = await movedTo(clinic, await newMember(api, clinic, "clerk"));
  await asOwner`UPDATE sessions SET clinic_id = user_id WHERE id = ${clerk.sid}::uuid`;
  const moving = await holdLock("UPDATE sessions SET clinic_id = $1 WHERE id = $2::uuid", [
    clinic,
    clerk.sid,
  ]);
  const answer = await raceBehind(moving, 1, () => admin.delete(`/api/clinics/${clinic}/`));
  expect(answer.status).toBe(204);
  expect(await asOwner`SELECT clinic_id FROM sessions WHERE id = ${clerk.sid}::uuid`).toEqual([
    { clinic_id: clerk.id },
  ]);
});

test("managers who work in each other's clinic and change members of their own at once are no deadlock", async () => {
  const [north, south] = [await newClinic(), await newClinic()];
  const northManager = await movedTo(south, await newMember(api, south, "clerk"));
  const southManager = await movedTo(north, await newMember(api, north, "clerk"));
  for (const [clinic, { id }] of [
    [north, northManager],
    [south, southManager],
  ] as const)
    await asOwner`
      INSERT INTO memberships (clinic_id, account_id, role, time_zone, clinic_active) VALUES (${clinic}, ${id}, 'manager', '', true)`;
  const accounts = await atOnce(CROWD, () => newAccount(api));
  const lock = await holdLock("SELECT FROM memberships WHERE clinic_id IN ($1, $2) FOR UPDATE", [
    north,
    south,
  ]);
  const answers = await raceBehind(lock, CROWD, () =>
    atOnce(CROWD, (index) => {
      const [clinic, manager] = index % 2 === 0 ? [north, northManager] : [south, southManager];
      return manager.post(`/api/clinics/${clinic}/members/`, {
        account: accounts[index]?.id,
        role: "reader",
      });
    }),
  );
  expect(tally(answers)).toEqual({ 201: CROWD });
});

test("admins who change accounts and members of the clinic in which they work at once are no deadlock", async () => {
  const clinic = await newClinic();
  const manager = await newMember(api, clinic, "manager");
  const working = await newMember(api, clinic, "clerk");
  await asOwner`UPDATE users SET role = 'admin' WHERE id = ${working.id}`;
  const accounts = await atOnce(CROWD / 2, () => newMember(api, clinic, "reader"));
  const answers = await raceBehind(await lockMembers(clinic), CROWD, () =>
    Promise.all(
      accounts.flatMap((account) => [
        manager.patch(memberPath(clinic, account), { role: "clerk" }),
        working.patch(`/api/accounts/${account.id}/`, { active: false }),
      ]),
    ),
  );
  expect(tally(answers)).toEqual({ 200: CROWD });
});

test("a membership that ends while its manager creates an invitation waits for that, and withdraws it", async () => {
  const clinic = await newClinic();
  const [manager] = [await newMember(api, clinic, "manager"), await newMember(api, clinic, "manager")];
  // The creation has locked its membership when it waits for the clinic.
  const lock = await holdLock("SELECT FROM clinics WHERE id = $1 FOR UPDATE", [clinic]);
  const creation = manager.post("/api/invitations/", {
    email: "grace@example.org",
    role: "clinician",
    clinic,
    clinic_role: "clerk",
  });
  await lock.waiters(1);
  const end = admin.delete(memberPath(clinic, manager));
  await lock.waiters(2);
  await lock.release();
  expect([(await creation).status, (await end).status]).toEqual([201, 204]);
  expect(await asOwner`SELECT FROM invitations WHERE created_by = ${manager.id}`).toEqual([]);
});
