import { expect, test } from "vitest";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { newClinic, newMember } from "../support/clinics.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import { insertRecords } from "../support/pages.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";

const api = connectApi();
const admin = await newAccount(api, "admin");
const reason = "The doctor has left.";

const postReassignment = (account: TestAccount, doctor: number, body: object) =>
  account.post(`/api/doctors/${doctor}/reassign/`, body);
const assignmentsOf = (patient: number) => asOwner`
  SELECT doctor_id, role, is_primary FROM mappings WHERE patient_id = ${patient} ORDER BY doctor_id`;

/** A clinic with a manager, a doctor who leaves and another one, and two patients of the first one. */
async function newScene() {
  const clinic = await newClinic();
  const manager = await newMember(api, clinic, "manager");
  const [leaving, other] = [await postDoctor(manager), await postDoctor(manager)];
  const first = await postPatient(manager);
  const { id } = await assignDoctor(manager, { patient: first, doctor: leaving });
  await manager.patch(`/api/mappings/${id}/`, { role: "covering", primary: true });
  const second = await postPatient(manager);
  await assignDoctor(manager, { patient: second, doctor: leaving });
  return { clinic, manager, leaving: leaving.id, other: other.id, first: first.id, second: second.id };
}

test("a manager gives all patients of a doctor to another one, with role and primary; the ended assignments stay; it is safe to repeat", async () => {
  const { manager, leaving, other, first, second } = await newScene();
  const answer = await postReassignment(manager, leaving, { to: other });
  expect([answer.status, answer.body]).toEqual([
    200,
    { reassigned: 2, already: 0, cancelled: 0, more: false },
  ]);
  expect(await assignmentsOf(first)).toEqual([{ doctor_id: other, role: "covering", is_primary: true }]);
  expect(await assignmentsOf(second)).toEqual([{ doctor_id: other, role: "attending", is_primary: false }]);
  const ended = (await manager.get(`/api/mappings/?ended=true&doctor=${leaving}`)).body;
  expect(ended).toMatchObject([{ ended_by: manager.id }, { ended_by: manager.id }]);
  expect(await auditEventsOf(answer)).toMatchObject([
    {
      ...{ action: "assign", outcome: "done", patients: [first, second], doctor_id: leaving },
      changes: { doctor: { before: leaving, after: other } },
    },
  ]);
  const again = await postReassignment(manager, leaving, { to: other });
  expect(again.body).toEqual({ reassigned: 0, already: 0, cancelled: 0, more: false });
  const { body: history } = await manager.get(`/api/patients/${first}/history/`);
  expect(history[0]).toMatchObject({
    action: "assign",
    changes: { doctor: { before: leaving, after: other } },
  });
});

test("where the other doctor is assigned already, that assignment stays, and becomes primary if the ended one was", async () => {
  const { manager, leaving, other, first, second } = await newScene();
  await assignDoctor(manager, { patient: { id: first }, doctor: { id: other } });
  const answer = await postReassignment(manager, leaving, { to: other });
  expect(answer.body).toEqual({ reassigned: 1, already: 1, cancelled: 0, more: false });
  expect(await assignmentsOf(first)).toEqual([{ doctor_id: other, role: "attending", is_primary: true }]);
  const events = await auditEventsOf(answer);
  expect(events.sort((a, b) => (String(a["action"]) < String(b["action"]) ? -1 : 1))).toMatchObject([
    { action: "assign", patients: [second] },
    { action: "unassign", patients: [first], changes: { doctor: { before: leaving, after: null } } },
    {
      ...{ action: "update_assignment", patients: [first], doctor_id: other },
      changes: {
        assignment: { before: { doctor: other, primary: false }, after: { doctor: other, primary: true } },
      },
    },
  ]);
});

test("only the patients that are named are reassigned; those of others and unknown ones are ignored", async () => {
  const { manager, leaving, other, first, second } = await newScene();
  const stranger = await newAccount(api);
  const foreign = await postPatient(stranger);
  await assignDoctor(stranger, { patient: foreign, doctor: { id: leaving } });
  const patients = [second, foreign.id, 2_147_483_647];
  const answer = await postReassignment(manager, leaving, { to: other, patients });
  expect(answer.body).toEqual({ reassigned: 1, already: 0, cancelled: 0, more: false });
  for (const patient of [first, foreign.id])
    expect(await assignmentsOf(patient)).toMatchObject([{ doctor_id: leaving }]);
  const rest = await postReassignment(manager, leaving, { to: other });
  expect(rest.body.reassigned).toBe(1);
  expect(await assignmentsOf(foreign.id)).toMatchObject([{ doctor_id: leaving }]);
});

test("an admin reassigns the patients of all clinics, with a reason", async () => {
  const { leaving, other } = await newScene();
  const stranger = await newAccount(api);
  await assignDoctor(stranger, { doctor: { id: leaving } });
  const refused = await postReassignment(admin, leaving, { to: other });
  expect(refused).toEqual(fieldProblem("reason"));
  expect(await auditEventsOf(refused)).toMatchObject([{ outcome: "refused", patients: [] }]);
  const answer = await postReassignment(admin, leaving, { to: other, reason });
  expect(answer.body).toEqual({ reassigned: 3, already: 0, cancelled: 0, more: false });
  expect(await auditEventsOf(answer)).toMatchObject([{ outcome: "done", reason }]);
});

test("the same doctor, a retired or an unknown one is 400 on to, an unknown doctor 404, and nothing changes", async () => {
  const { manager, leaving, first } = await newScene();
  const retired = await postDoctor(manager);
  await manager.patch(`/api/doctors/${retired.id}/`, { active: false });
  for (const to of [leaving, retired.id, 2_147_483_647])
    expect(await postReassignment(manager, leaving, { to })).toEqual(fieldProblem("to"));
  expect(await postReassignment(manager, 2_147_483_647, { to: leaving })).toEqual(problem(404));
  expect(await assignmentsOf(first)).toMatchObject([{ doctor_id: leaving }]);
});

test("a clinician of the clinic gets 403", async () => {
  const { clinic, leaving, other } = await newScene();
  const clinician = await newMember(api, clinic, "clinician");
  expect(await postReassignment(clinician, leaving, { to: other })).toMatchObject({
    status: 403,
    body: { code: "clinic_role_required" },
  });
});

test("a request reassigns 1,000 patients at most; more is true until the rest is done, and false where all of a list are", async () => {
  const account = await newAccount(api);
  await insertRecords("mappings", account, 1001);
  const assigned = await asOwner`SELECT patient_id, doctor_id FROM mappings WHERE owner_id = ${account.id}`;
  const leaving = Number(assigned[0]?.["doctor_id"]);
  const other = (await postDoctor(account)).id;
  const patients = assigned.slice(0, 1000).map((row) => row["patient_id"]);
  const first = await postReassignment(account, leaving, { to: other });
  expect(first.body).toEqual({ reassigned: 1000, already: 0, cancelled: 0, more: true });
  const rest = await postReassignment(account, leaving, { to: other });
  expect(rest.body).toEqual({ reassigned: 1, already: 0, cancelled: 0, more: false });
  const back = await postReassignment(account, other, { to: leaving, patients });
  expect(back.body).toEqual({ reassigned: 1000, already: 0, cancelled: 0, more: false });
});

test("a doctor without patients after a reassignment can be deleted", async () => {
  const { manager, leaving, other } = await newScene();
  await postReassignment(manager, leaving, { to: other });
  expect((await admin.delete(`/api/doctors/${leaving}/`)).status).toBe(204);
});

test("a reassignment that waits for a transfer leaves the patient's assignment, and two at once reassign each patient once", async () => {
  const { manager, leaving, other, first, second } = await newScene();
  const to = await newAccount(api);
  const lock = await holdLock("SELECT FROM patients WHERE id = $1 FOR UPDATE", [first]);
  const transfer = admin.post(`/api/patients/${first}/transfer/`, { to: to.id, reason });
  await lock.waiters(1);
  const reassignment = postReassignment(manager, leaving, { to: other });
  await lock.waiters(2);
  await lock.release();
  expect([(await transfer).status, (await reassignment).body]).toEqual([
    200,
    { reassigned: 1, already: 0, cancelled: 0, more: false },
  ]);
  expect(await assignmentsOf(first)).toMatchObject([{ doctor_id: leaving }]);
  expect(await assignmentsOf(second)).toMatchObject([{ doctor_id: other }]);
  const scene = await newScene();
  const answers = await Promise.all(
    [1, 2, 3].map(() => postReassignment(scene.manager, scene.leaving, { to: scene.other })),
  );
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(answers.reduce((sum, { body }) => sum + body.reassigned, 0)).toBe(2);
});
