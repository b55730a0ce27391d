import { describe, expect, test } from "vitest";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { newClinic, newMember } from "../support/clinics.ts";
import { linkDoctor } from "../support/ownership.ts";
import { problem } from "../support/problems.ts";
import { assignDoctor, newDoctor, postDoctor } from "../support/resources.ts";

const [creator, admin] = [await newAccount(), await newAccount(undefined, "admin")];
const pathOf = ({ id }: { id: number }) => `/api/doctors/${id}/`;
const reserved = problem(
  403,
  "Others rely on this doctor: an account is linked to it, or a patient of another account or of a shared clinic is assigned. Only an admin may delete it, or change its names, email, phones or active.",
);

/** Creates a doctor on whom others rely. */
const reliances: [how: string, create: () => Promise<{ id: number }>][] = [
  [
    "an account is linked to it",
    async () => {
      const doctor = await postDoctor(creator);
      await linkDoctor(await newAccount(), doctor);
      return doctor;
    },
  ],
  [
    "the creator's own account is linked to it",
    async () => {
      const by: TestAccount = await newAccount();
      const doctor = await postDoctor(by);
      await linkDoctor(by, doctor);
      return { ...doctor, by };
    },
  ],
  [
    "another account's patient is assigned",
    async () => {
      const doctor = await postDoctor(creator);
      await assignDoctor(creator, { doctor });
      await assignDoctor(await newAccount(), { doctor });
      return doctor;
    },
  ],
  [
    "a patient of the shared clinic is assigned in which its creator works",
    async () => {
      const by = await newMember(connectApi(), await newClinic(), "manager");
      const doctor = await postDoctor(by);
      await assignDoctor(by, { doctor });
      return { ...doctor, by };
    },
  ],
];

describe.each(reliances)("a doctor, when %s", (_, create) => {
  test.each([
    { firstname: "Lisa" },
    { lastname: "Cuddy" },
    { email: newDoctor().email },
    { active: false },
    newDoctor({ firstname: "Lisa", lastname: "Cuddy" }),
  ])("is 403 for its creator to change by %o, audited as refused, and not for an admin", async (change) => {
    const { by = creator, ...doctor } = (await create()) as { id: number; by?: TestAccount };
    const before = (await by.get(pathOf(doctor))).body;
    const refused = await by.patch(pathOf(doctor), change);
    expect(refused).toEqual(reserved);
    expect(await auditEventsOf(refused)).toMatchObject([
      { action: "update", outcome: "refused", doctor_id: doctor.id, changes: null },
    ]);
    expect((await by.get(pathOf(doctor))).body).toEqual(before);
    expect((await admin.patch(pathOf(doctor), change)).status).toBe(200);
  });

  test("is 403 for its creator to delete", async () => {
    const { by = creator, ...doctor } = (await create()) as { id: number; by?: TestAccount };
    expect(await by.delete(pathOf(doctor))).toEqual(reserved);
    expect((await by.get(pathOf(doctor))).status).toBe(200);
  });

  test("can be sent back by its creator with another specialization, gender and maximum", async () => {
    const { by = creator, ...doctor } = (await create()) as { id: number; by?: TestAccount };
    const { body } = await by.get(pathOf(doctor));
    const changes = { specialization: "CARD", gender: "O", max_appointments_per_day: 3 };
    expect(await by.put(pathOf(doctor), { ...body, ...changes })).toMatchObject({
      status: 200,
      body: changes,
    });
  });

  test("is still 403 for another account, which learns nothing else", async () => {
    const forbidden = problem(
      403,
      "Only the account that created this doctor or an admin may change or delete it.",
    );
    expect(await (await newAccount()).patch(pathOf(await create()), { lastname: "Cuddy" })).toEqual(
      forbidden,
    );
  });
});

test("a doctor with patients of the creator's alone can be renamed by the creator, also after others' assignments ended", async () => {
  const [doctor, other] = [await postDoctor(creator), await newAccount()];
  await assignDoctor(creator, { doctor });
  expect((await creator.patch(pathOf(doctor), { lastname: "Cuddy" })).status).toBe(200);
  const { id } = await assignDoctor(other, { doctor });
  expect(await creator.patch(pathOf(doctor), { lastname: "House" })).toEqual(reserved);
  await other.delete(`/api/mappings/${id}/`);
  expect((await creator.patch(pathOf(doctor), { lastname: "House" })).status).toBe(200);
  expect(await creator.delete(pathOf(doctor))).toEqual(
    problem(409, "This doctor still has 1 patient; end the assignments first."),
  );
});

test("deleting a doctor by an admin unlinks its accounts, each with an audit event that has the account as its subject", async () => {
  const [doctor, one, other] = [await postDoctor(creator), await newAccount(), await newAccount()];
  for (const account of [one, other]) await linkDoctor(account, doctor);
  const answer = await admin.delete(pathOf(doctor));
  expect(answer.status).toBe(204);
  const unlinked = { action: "update_account", outcome: "done", account_id: admin.id, doctor_id: null };
  const changes = { doctor: { before: doctor.id, after: null } };
  const events = await auditEventsOf(answer);
  expect(events.sort((a, b) => Number(a["subject_id"]) - Number(b["subject_id"]))).toMatchObject([
    { action: "delete", outcome: "done", doctor_id: doctor.id, subject_id: null },
    { ...unlinked, subject_id: one.id, changes },
    { ...unlinked, subject_id: other.id, changes },
  ]);
  expect((await admin.get(`/api/accounts/${one.id}/`)).body).toMatchObject({ doctor: null });
});

test("deleting a doctor who has patients is 409 and unlinks no account", async () => {
  const [doctor, account] = [await postDoctor(creator), await newAccount()];
  await linkDoctor(account, doctor);
  await assignDoctor(creator, { doctor });
  const answer = await admin.delete(pathOf(doctor));
  expect(answer.status).toBe(409);
  expect(await auditEventsOf(answer)).toMatchObject([{ action: "delete", outcome: "refused" }]);
  expect((await admin.get(`/api/accounts/${account.id}/`)).body).toMatchObject({ doctor: doctor.id });
});
