import { describe, expect, test } from "vitest";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { anyTimestamp, fieldProblem, problem, withoutRequestDetails } from "../support/problems.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";

const UNKNOWN_ID = 2_147_483_647;
const api = connectApi();
const nurse = await newAccount(api);
const admin = await newAccount(api, "admin");
const doctor = await postDoctor(admin);

/** What a new assignment has beyond patient and doctor. */
const newLife = { role: "attending", primary: false, ended_at: null, ended_by: null, version: 1 };

const post = (account: TestAccount, patient: number, doctor: number, more = {}) =>
  account.post("/api/mappings/", { patient, doctor, ...more });
const assignmentsOf = (patient: number) => asOwner`SELECT id FROM mappings WHERE patient_id = ${patient}`;

test("POST assigns any account's doctor, returns 201 with the whole assignment, and ignores read-only fields", async () => {
  const patient = await postPatient(nurse);
  const readOnly = {
    id: 1,
    assigned_at: "2001-01-01T00:00:00.000Z",
    ended_at: null,
    ended_by: null,
    version: 7,
  };
  const { status, body } = await post(nurse, patient.id, doctor.id, readOnly);
  const expected = {
    id: body.id,
    patient: patient.id,
    doctor: doctor.id,
    assigned_at: anyTimestamp,
    ...newLife,
  };
  expect({ status, body }).toEqual({ status: 201, body: expected });
  expect(Object.keys(body)).toEqual(Object.keys(expected));
  expect(Date.parse(body.assigned_at)).toBeGreaterThanOrEqual(Date.parse(patient.created_at));
  expect(await assignmentsOf(patient.id)).toEqual([{ id: body.id }]);
});

test("POST of an assignment that exists is 409, and 201 again after it was deleted", async () => {
  const { id, patient, doctor } = await assignDoctor(nurse);
  const conflict = problem(409, "This doctor is already assigned to this patient.");
  expect(await post(nurse, patient, doctor)).toEqual(conflict);
  expect(await assignmentsOf(patient)).toEqual([{ id }]);
  await nurse.delete(`/api/mappings/${id}/`);
  expect((await post(nurse, patient, doctor)).status).toBe(201);
});

test("POST with an unknown patient, doctor or both is 400 and names each", async () => {
  const { id } = await postPatient(nurse);
  expect(await post(nurse, UNKNOWN_ID, doctor.id)).toEqual(fieldProblem("patient"));
  expect(await post(nurse, id, UNKNOWN_ID)).toEqual(fieldProblem("doctor"));
  expect(await post(nurse, UNKNOWN_ID, UNKNOWN_ID)).toEqual(fieldProblem("patient", "doctor"));
});

test("POST with an inactive doctor is 400; assignments made before stay and show active: false", async () => {
  const { patient, doctor: retiring } = await assignDoctor(nurse);
  const path = `/api/doctors/${retiring}/`;
  expect((await nurse.patch(path, { active: false })).body).toMatchObject({ active: false });
  const other = await postPatient(nurse);
  expect(await post(nurse, other.id, retiring)).toEqual(fieldProblem("doctor"));
  expect((await nurse.get(`/api/mappings/${patient}/`)).body.doctors).toMatchObject([{ active: false }]);
  expect((await nurse.get(`/api/mappings/?patient=${patient}`)).body).toMatchObject([
    { doctor: { id: retiring, active: false } },
  ]);
  const idsInDirectory = async (active: boolean) =>
    (await nurse.get(`/api/doctors/?active=${active}&sort=-id&limit=200`)).body.map(
      ({ id }: { id: number }) => id,
    );
  expect([
    (await idsInDirectory(true)).includes(retiring),
    (await idsInDirectory(false)).includes(retiring),
  ]).toEqual([false, true]);
  await nurse.patch(path, { active: true });
  expect((await post(nurse, other.id, retiring)).status).toBe(201);
});

test("an admin gets the same 400 for another account's patient, assigned or not, as for an unknown id", async () => {
  const assignment = await assignDoctor(nurse);
  const unknown = withoutRequestDetails(await post(admin, UNKNOWN_ID, doctor.id));
  expect(unknown.body.errors).toEqual({ patient: ["There is no such patient."] });
  for (const id of [assignment.doctor, doctor.id])
    expect(withoutRequestDetails(await post(admin, assignment.patient, id))).toEqual(unknown);
  expect(await assignmentsOf(assignment.patient)).toEqual([{ id: assignment.id }]);
});

describe.each(["/api/mappings/:id/delete/", "/api/mappings/:id/"])("DELETE %s", (route) => {
  const pathOf = (id: number) => route.replace(":id", String(id));

  test("is 204 and deletes that assignment only; a second one is 404", async () => {
    const deleted = await assignDoctor(nurse);
    const patient = { id: deleted.patient };
    const kept = await assignDoctor(nurse, { patient });
    expect(await nurse.delete(pathOf(deleted.id))).toMatchObject({ status: 204, body: "" });
    expect(await nurse.delete(pathOf(deleted.id))).toEqual(problem(404));
    expect(await assignmentsOf(patient.id)).toEqual([{ id: kept.id }]);
    expect((await nurse.get(`/api/doctors/${deleted.doctor}/`)).status).toBe(200);
  });

  test("of another account's assignment is the same 404 as for an unknown id, even for the creator of the doctor; for an admin it is 204", async () => {
    const stranger = await newAccount(api);
    const own = await postDoctor(stranger);
    const { id, patient } = await assignDoctor(nurse, { doctor: own });
    const answerTo = async (sent: number) => {
      const answer = withoutRequestDetails(await stranger.delete(pathOf(sent)));
      // The old path's link to the new one has the id of the request.
      const link = Object(answer.headers)["link"]?.replace(sent, "ID");
      return { ...answer, headers: { ...answer.headers, link } };
    };
    const notFound = await answerTo(id);
    expect(notFound).toMatchObject({ status: 404, body: { detail: "There is no such assignment." } });
    expect(notFound).toEqual(await answerTo(UNKNOWN_ID));
    expect(await assignmentsOf(patient)).toEqual([{ id }]);
    expect((await admin.delete(pathOf(id))).status).toBe(204);
    expect(await assignmentsOf(patient)).toEqual([]);
  });
});
