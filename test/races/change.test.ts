import { expect, test } from "vitest";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import type { ApiResponse } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { insertRecords } from "../support/pages.ts";
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
import { postDoctor, postPatient } from "../support/resources.ts";

const api = connectWithoutLimits();

test("PATCHes of different fields of one patient at once all take effect", async () => {
  const nurse = await newAccount(api);
  const patient = await postPatient(nurse);
  const path = `/api/patients/${patient.id}/`;
  const changes = [{ firstname: "Augusta" }, { lastname: "King" }, { age: 37 }, { gender: "O" }];
  const send = () => atOnce(changes.length, (index) => nurse.patch(path, changes[index]));
  expect(tally(await onceReleased("patients", nurse, send, changes.length))).toEqual({ 200: 4 });
  const { body } = await nurse.get(path);
  expect(body).toEqual({
    ...patient,
    ...Object.assign({}, ...changes),
    updated_at: body.updated_at,
    version: 5,
  });
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
