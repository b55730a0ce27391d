import { expect, test } from "vitest";
import { type Account, newAccount } from "../support/accounts.ts";
import type { Answer } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { problem } from "../support/problems.ts";
import { atOnce, CROWD, onceReleased, rounds, tally } from "../support/races.ts";
import { recordOf } from "../support/record.ts";
import { createDoctor, createPatient } from "../support/records.ts";

test.each(rounds(3))("changes of different fields of one patient at once all stay, round %i", async () => {
  const nurse = await newAccount();
  const patient = await createPatient(nurse);
  const path = `/api/patients/${patient.id}/`;
  const changes = [{ firstname: "Augusta" }, { lastname: "King" }, { age: 37 }, { gender: "O" }];
  const send = () => atOnce(changes.length, (index) => nurse.patch(path, changes[index]));
  expect(tally(await onceReleased("patients", nurse, send))).toEqual({ 200: 4 });
  const { body } = await nurse.get(path);
  expect(body).toEqual({ ...patient, ...Object.assign({}, ...changes), updated_at: body.updated_at });
});

test.each(rounds(3))("patients who swap emails at once never get each other's, round %i", async () => {
  const nurse = await newAccount();
  const patients = await atOnce(CROWD, () => createPatient(nurse));
  // Each with a neighbour: 0 with 1, 2 with 3. PostgreSQL may find deadlocks among them.
  const swap = (index: number) =>
    nurse.patch(`/api/patients/${patients[index].id}/`, { email: patients[index ^ 1].email });
  const answers = await onceReleased("patients", nurse, () => atOnce(CROWD, swap));
  expect(tally(answers)).toEqual({ 409: CROWD });
});

const delays = [100, 0, -100];
type Send = (index: number) => Promise<Answer>;

/** The answers to `CROWD` assignments and, `later` by so many milliseconds, to three deletions. */
async function mingle(later: number, assign: Send, remove: Send) {
  const [assigned, deleted] = await Promise.all([
    scheduler.wait(Math.max(0, -later)).then(() => atOnce(CROWD, assign)),
    scheduler.wait(Math.max(0, later)).then(() => atOnce(3, remove)),
  ]);
  return { assigned, deleted, refused: assigned.filter(({ status }) => status !== 201) };
}

test.each(delays)("many assign a doctor whom others delete %i ms later: never both", async (later) => {
  const nurse = await newAccount();
  const patients = await atOnce(CROWD, () => createPatient(nurse));
  const { id: doctor } = await createDoctor(nurse);
  const assign: Send = (index) => nurse.post("/api/mappings/", { patient: patients[index].id, doctor });
  const race = () => mingle(later, assign, () => nurse.delete(`/api/doctors/${doctor}/`));
  const { assigned, deleted, refused } = await onceReleased("doctors", nurse, race);
  const left = await asOwner`SELECT id FROM mappings WHERE doctor_id = ${doctor}`;
  const gone = [{ 400: CROWD }, { 204: 1, 404: 2 }, 0];
  const kept = [{ 201: CROWD }, { 409: 3 }, CROWD];
  expect([tally(assigned), tally(deleted), left.length]).toEqual(refused.length > 0 ? gone : kept);
  for (const { body } of refused) expect(body.errors).toEqual({ doctor: ["There is no such doctor."] });
});

test.each(delays)(
  "many assign a patient whom others delete %i ms later: none is left, nor lost",
  async (later) => {
    const nurse = await newAccount();
    const doctors = await atOnce(CROWD, () => createDoctor(nurse));
    const { id: patient } = await createPatient(nurse);
    const assign: Send = (index) => nurse.post("/api/mappings/", { patient, doctor: doctors[index].id });
    const race = () => mingle(later, assign, () => nurse.delete(`/api/patients/${patient}/`));
    const { assigned, deleted, refused } = await onceReleased("patients", nurse, race);
    expect(tally(deleted)).toEqual({ 204: 1, 404: 2 });
    for (const { body } of refused) expect(body.errors).toEqual({ patient: ["There is no such patient."] });
    expect((await nurse.get("/api/mappings/")).body).toEqual([]);
    // What was acknowledged is not lost: it comes back with the patient.
    const restored = await nurse.post(`/api/patients/${patient}/restore/`);
    const made = assigned.filter(({ status }) => status === 201).map(({ body }) => body.doctor);
    expect(restored).toMatchObject({
      status: 200,
      body: { id: patient, doctors: made.sort((a, b) => a - b) },
    });
    expect((await nurse.get("/api/mappings/")).body).toHaveLength(made.length);
  },
);

test.each<[what: string, change: (nurse: Account, id: number) => Promise<Answer>]>([
  ["a change", (nurse, id) => nurse.patch(`/api/patients/${id}/`, { age: 99 })],
  ["a deletion", (nurse, id) => nurse.delete(`/api/patients/${id}/`)],
  [
    "a transfer",
    async (nurse, id) => {
      await newAccount(undefined, "admin"); // for there is always one
      await asOwner`UPDATE users SET role = 'admin' WHERE id = ${nurse.id}`;
      return nurse.post(`/api/patients/${id}/transfer/`, { to: (await newAccount()).id });
    },
  ],
])("%s that waited for a lock is not made for an account that was disabled meanwhile", async (_, change) => {
  const nurse = await newAccount();
  const { id } = await createPatient(nurse);
  const answer = await onceReleased("patients", nurse, async () => {
    const waiting = change(nurse, id);
    await scheduler.wait(150);
    await asOwner`UPDATE users SET active = false WHERE id = ${nurse.id}`;
    return waiting;
  });
  expect(answer).toEqual(problem(401, "The access token has been revoked."));
  expect(await asOwner`SELECT age, owner_id FROM patients WHERE id = ${id}`).toEqual([
    { age: 36, owner_id: nurse.id },
  ]);
  expect((await recordOf(answer)).map(({ outcome }) => outcome)).toEqual(["refused"]);
});

test("an assignment that waited for its doctor is not made for an account that was disabled meanwhile", async () => {
  const nurse = await newAccount();
  const ids = { patient: (await createPatient(nurse)).id, doctor: (await createDoctor(nurse)).id };
  const answer = await onceReleased("doctors", nurse, async () => {
    const waiting = nurse.post("/api/mappings/", ids);
    await scheduler.wait(150);
    await asOwner`UPDATE users SET active = false WHERE id = ${nurse.id}`;
    return waiting;
  });
  expect(answer.status).toBe(401);
  expect(await asOwner`SELECT FROM mappings WHERE patient_id = ${ids.patient}`).toEqual([]);
});
