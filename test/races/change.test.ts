import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import type { Answer } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { atOnce, CROWD, onceReleased, rounds, tally } from "../support/races.ts";
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

type Send = (index: number) => Promise<Answer>;

/** The answers to `CROWD` assignments and to three deletions among them, which come later in each round. */
async function mingle(round: number, assign: Send, remove: Send) {
  const first = round * 5;
  const sendOf = (index: number) => (index >= first && index < first + 3 ? remove : assign);
  const assigned = await atOnce(CROWD + 3, (index) => sendOf(index)(index));
  const deleted = assigned.splice(first, 3);
  return { assigned, deleted, refused: assigned.filter(({ status }) => status !== 201) };
}

test.each(rounds(5))("a doctor is deleted or assigned by many, never both, round %i", async (round) => {
  const nurse = await newAccount();
  const patients = await atOnce(CROWD + 3, () => createPatient(nurse));
  const { id: doctor } = await createDoctor(nurse);
  const assign: Send = (index) => nurse.post("/api/mappings/", { patient: patients[index].id, doctor });
  const race = () => mingle(round, assign, () => nurse.delete(`/api/doctors/${doctor}/`));
  const { assigned, deleted, refused } = await onceReleased("doctors", nurse, race);
  const left = await asOwner`SELECT id FROM mappings WHERE doctor_id = ${doctor}`;
  const gone = [{ 400: CROWD }, { 204: 1, 404: 2 }, 0];
  const kept = [{ 201: CROWD }, { 409: 3 }, CROWD];
  expect([tally(assigned), tally(deleted), left.length]).toEqual(refused.length > 0 ? gone : kept);
  for (const { body } of refused) expect(body.errors).toEqual({ doctor: ["There is no such doctor."] });
});

test.each(rounds(5))("a patient deleted while being assigned leaves nothing, round %i", async (round) => {
  const nurse = await newAccount();
  const doctors = await atOnce(CROWD + 3, () => createDoctor(nurse));
  const { id: patient } = await createPatient(nurse);
  const assign: Send = (index) => nurse.post("/api/mappings/", { patient, doctor: doctors[index].id });
  const race = () => mingle(round, assign, () => nurse.delete(`/api/patients/${patient}/`));
  const { deleted, refused } = await onceReleased("patients", nurse, race);
  expect(tally(deleted)).toEqual({ 204: 1, 404: 2 });
  for (const { body } of refused) expect(body.errors).toEqual({ patient: ["There is no such patient."] });
  expect(await asOwner`SELECT id FROM mappings WHERE patient_id = ${patient}`).toEqual([]);
});
