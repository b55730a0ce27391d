import { describe, expect, test } from "vitest";
import { type Account, newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { comparable, moment, problem, refusal } from "../support/problems.ts";
import { assign, createDoctor, createPatient } from "../support/records.ts";

const NEVER = 2_147_483_647;
const api = connectApi();
const nurse = await newAccount(api);
const admin = await newAccount(api, "admin");
const doctor = await createDoctor(admin);

const post = (account: Account, patient: number, doctor: number, more = {}) =>
  account.post("/api/mappings/", { patient, doctor, ...more });
const assignmentsOf = (patient: number) => asOwner`SELECT id FROM mappings WHERE patient_id = ${patient}`;

test("an assignment, to any account's doctor, is answered whole; what is read-only is ignored", async () => {
  const patient = await createPatient(nurse);
  const readOnly = { id: 1, assigned_at: "2001-01-01T00:00:00.000Z" };
  const { status, body } = await post(nurse, patient.id, doctor.id, readOnly);
  const expected = { id: body.id, patient: patient.id, doctor: doctor.id, assigned_at: moment };
  expect({ status, body }).toEqual({ status: 201, body: expected });
  expect(Object.keys(body)).toEqual(Object.keys(expected));
  expect(Date.parse(body.assigned_at)).toBeGreaterThanOrEqual(Date.parse(patient.created_at));
  expect(await assignmentsOf(patient.id)).toEqual([{ id: body.id }]);
});

test("a doctor who is assigned already is 409, and may be again once it has ended", async () => {
  const { id, patient, doctor } = await assign(nurse);
  const taken = problem(409, "This doctor is already assigned to this patient.");
  expect(await post(nurse, patient, doctor)).toEqual(taken);
  expect(await assignmentsOf(patient)).toEqual([{ id }]);
  await nurse.delete(`/api/mappings/${id}/`);
  expect((await post(nurse, patient, doctor)).status).toBe(201);
});

test("a patient or a doctor who is not there is named, and so are both", async () => {
  const { id } = await createPatient(nurse);
  expect(await post(nurse, NEVER, doctor.id)).toEqual(refusal("patient"));
  expect(await post(nurse, id, NEVER)).toEqual(refusal("doctor"));
  expect(await post(nurse, NEVER, NEVER)).toEqual(refusal("patient", "doctor"));
});

test("a doctor who has retired gets nobody new, and those who were assigned stay and show it", async () => {
  const { patient, doctor: retiring } = await assign(nurse);
  const path = `/api/doctors/${retiring}/`;
  expect((await nurse.patch(path, { active: false })).body).toMatchObject({ active: false });
  const other = await createPatient(nurse);
  expect(await post(nurse, other.id, retiring)).toEqual(refusal("doctor"));
  expect((await nurse.get(`/api/mappings/${patient}/`)).body.doctors).toMatchObject([{ active: false }]);
  expect((await nurse.get(`/api/mappings/?patient=${patient}`)).body).toMatchObject([
    { doctor: { id: retiring, active: false } },
  ]);
  const listed = async (active: boolean) =>
    (await nurse.get(`/api/doctors/?active=${active}&sort=-id&limit=200`)).body.map(
      ({ id }: { id: number }) => id,
    );
  expect([(await listed(true)).includes(retiring), (await listed(false)).includes(retiring)]).toEqual([
    false,
    true,
  ]);
  await nurse.patch(path, { active: true });
  expect((await post(nurse, other.id, retiring)).status).toBe(201);
});

test("another account's patient, assigned or not, is to an admin as one that never was", async () => {
  const assigned = await assign(nurse);
  const nobodys = comparable(await post(admin, NEVER, doctor.id));
  expect(nobodys.body.errors).toEqual({ patient: ["There is no such patient."] });
  for (const id of [assigned.doctor, doctor.id])
    expect(comparable(await post(admin, assigned.patient, id))).toEqual(nobodys);
  expect(await assignmentsOf(assigned.patient)).toEqual([{ id: assigned.id }]);
});

describe.each(["/api/mappings/:id/delete/", "/api/mappings/:id/"])("DELETE %s", (route) => {
  const pathOf = (id: number) => route.replace(":id", String(id));

  test("ends an assignment, once, and nothing else", async () => {
    const ended = await assign(nurse);
    const patient = { id: ended.patient };
    const staying = await assign(nurse, { patient });
    expect(await nurse.delete(pathOf(ended.id))).toMatchObject({ status: 204, body: "" });
    expect(await nurse.delete(pathOf(ended.id))).toEqual(problem(404));
    expect(await assignmentsOf(patient.id)).toEqual([{ id: staying.id }]);
    expect((await nurse.get(`/api/doctors/${ended.doctor}/`)).status).toBe(200);
  });

  test("finds nothing of another's, even for the account whose doctor it is; an admin ends anybody's", async () => {
    const stranger = await newAccount(api);
    const own = await createDoctor(stranger);
    const { id, patient } = await assign(nurse, { doctor: own });
    const theirs = comparable(await stranger.delete(pathOf(id)));
    expect(theirs).toMatchObject({ status: 404, body: { detail: "There is no such assignment." } });
    expect(theirs).toEqual(comparable(await stranger.delete(pathOf(NEVER))));
    expect(await assignmentsOf(patient)).toEqual([{ id }]);
    expect((await admin.delete(pathOf(id))).status).toBe(204);
    expect(await assignmentsOf(patient)).toEqual([]);
  });
});
