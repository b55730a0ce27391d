import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { type Answer, connectApi } from "../support/api.ts";
import { deletedOf, ownOf, pathOf, restore, transfer } from "../support/custody.ts";
import { asOwner } from "../support/owner.ts";
import { idsOf } from "../support/pages.ts";
import { atOnce, CROWD, onceReleased, rounds, tally } from "../support/races.ts";
import { assign, createDoctor, createPatient, newPatient } from "../support/records.ts";

const api = connectApi();
const admin = await newAccount(api, "admin");

test.each(rounds(3))(
  "deleted, restored and handed over at once, a patient is one account's, round %i",
  async () => {
    const [from, to] = [await newAccount(api), await newAccount(api)];
    const { patient: id, doctor } = await assign(from);
    const acts = [
      () => from.delete(pathOf({ id })),
      () => restore(from, { id }),
      () => transfer(admin, { id }, to),
      () => restore(admin, { id }),
      () => transfer(admin, { id }, from),
      () => to.delete(pathOf({ id })),
    ];
    const answers = await atOnce(CROWD, (index) => (acts[index % acts.length] as (typeof acts)[0])());
    expect(Object.keys(tally(answers)).filter((status) => !["200", "204", "404"].includes(status))).toEqual(
      [],
    );
    const held = [await ownOf(from), await deletedOf(from), await ownOf(to), await deletedOf(to)].flat();
    expect(held).toEqual([id]);
    await restore(admin, { id });
    const [assignment] = await asOwner`
    SELECT m.owner_id = p.owner_id AS same, current_doctor_id FROM mappings m JOIN patients p ON p.id = patient_id
    WHERE p.id = ${id}`;
    expect(assignment).toEqual({ same: true, current_doctor_id: doctor });
    const done = await asOwner`
    SELECT count(*)::int AS n FROM audit_events WHERE patients @> ARRAY[${id}::int] AND outcome = 'done' AND action = 'delete'`;
    expect(done).toEqual([{ n: answers.filter(({ status }) => status === 204).length }]);
  },
);

test.each(rounds(3))(
  "what is assigned while a patient is deleted and restored is not lost, round %i",
  async () => {
    const account = await newAccount(api);
    const doctors = await atOnce(CROWD, () => createDoctor(account));
    const { id } = await createPatient(account);
    const acts = [
      (index: number) => account.post("/api/mappings/", { patient: id, doctor: doctors[index].id }),
      () => account.delete(pathOf({ id })),
      () => restore(account, { id }),
    ];
    const race = () => atOnce(CROWD, (index) => (acts[index % 3] as (typeof acts)[0])(index));
    const answers = await onceReleased("patients", account, race);
    await restore(account, { id });
    const made = answers.filter(({ status }) => status === 201).map(({ body }) => body.doctor);
    const { body } = await account.get(`/api/mappings/${id}/`);
    expect(idsOf({ body: body.doctors } as Answer)).toEqual(made.sort((a, b) => a - b));
  },
);

test("many restore one patient at once, and some take its email: it is there once, or the email's other", async () => {
  const account = await newAccount(api);
  const patient = await createPatient(account);
  await account.delete(pathOf(patient));
  const answers = await atOnce<Answer>(CROWD, (index) =>
    index % 2
      ? restore(account, patient)
      : account.post("/api/patients/", newPatient({ email: patient.email })),
  );
  const [restored, created] = [
    tally(answers.filter((_, i) => i % 2)),
    tally(answers.filter((_, i) => i % 2 === 0)),
  ];
  const isBack = restored[200] !== undefined;
  expect([restored, created]).toEqual(
    isBack ? [{ 200: CROWD / 2 }, { 409: CROWD / 2 }] : [{ 409: CROWD / 2 }, { 201: 1, 409: CROWD / 2 - 1 }],
  );
  expect(await ownOf(account)).toHaveLength(1);
});
