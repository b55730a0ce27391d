import { describe, expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { asOwner, create, newDoctor, newPatient, signUp } from "../support/fixtures.ts";
import { moment, problem, refusal } from "../support/problems.ts";

const NEVER_EXISTED = 2_147_483_647;

/** An account with a patient, and a doctor. */
async function ward(api = connectApi()) {
  const nurse = await signUp(api);
  const patient = await create(nurse, "/api/patients/", newPatient());
  const doctor = await create(nurse, "/api/doctors/", newDoctor());
  return { nurse, patient, doctor };
}

test("an assignment is answered with 201 and its four fields", async () => {
  const { nurse, patient, doctor } = await ward();
  const { status, body } = await nurse.post("/api/mappings/", { patient: patient.id, doctor: doctor.id });
  expect(status).toBe(201);
  expect(body).toEqual({
    id: expect.any(Number),
    patient: patient.id,
    doctor: doctor.id,
    assigned_at: moment,
  });
  expect(body.id).toBeGreaterThan(0);
  expect(Math.abs(Date.now() - Date.parse(body.assigned_at))).toBeLessThan(10_000);
});

test("a doctor whom another account created is assigned as one's own", async () => {
  const api = connectApi();
  const { doctor } = await ward(api);
  const { nurse, patient } = await ward(api);
  const answer = await nurse.post("/api/mappings/", { patient: patient.id, doctor: doctor.id });
  expect(answer.status).toBe(201);
});

test("a patient has several doctors and a doctor several patients", async () => {
  const { nurse, patient, doctor } = await ward();
  const secondDoctor = await create(nurse, "/api/doctors/", newDoctor());
  const secondPatient = await create(nurse, "/api/patients/", newPatient());
  await create(nurse, "/api/mappings/", { patient: patient.id, doctor: doctor.id });
  await create(nurse, "/api/mappings/", { patient: patient.id, doctor: secondDoctor.id });
  const answer = await nurse.post("/api/mappings/", { patient: secondPatient.id, doctor: doctor.id });
  expect(answer.status).toBe(201);
});

test("a doctor who is assigned already is 409, and stays assigned once", async () => {
  const { nurse, patient, doctor } = await ward();
  const assignment = { patient: patient.id, doctor: doctor.id };
  await create(nurse, "/api/mappings/", assignment);
  const answer = await nurse.post("/api/mappings/", assignment);
  expect(answer).toEqual(problem(409, "This doctor is already assigned to this patient."));
  expect((await nurse.get("/api/mappings/")).body).toHaveLength(1);
});

test("an ended assignment can be made again", async () => {
  const { nurse, patient, doctor } = await ward();
  const assignment = { patient: patient.id, doctor: doctor.id };
  const { id } = await create(nurse, "/api/mappings/", assignment);
  await nurse.delete(`/api/mappings/${id}/`);
  expect((await nurse.post("/api/mappings/", assignment)).status).toBe(201);
});

describe("an assignment names what is not there", () => {
  test("the patient", async () => {
    const { nurse, doctor } = await ward();
    const answer = await nurse.post("/api/mappings/", { patient: NEVER_EXISTED, doctor: doctor.id });
    expect(answer).toEqual(refusal("patient"));
  });

  test("the patient of another account, in the same words as one that never existed", async () => {
    const api = connectApi();
    const { patient } = await ward(api);
    const { nurse, doctor } = await ward(api);
    const theirs = await nurse.post("/api/mappings/", { patient: patient.id, doctor: doctor.id });
    const nobodys = await nurse.post("/api/mappings/", { patient: NEVER_EXISTED, doctor: doctor.id });
    expect(theirs).toEqual(refusal("patient"));
    expect({ ...theirs.body, request_id: "" }).toEqual({ ...nobodys.body, request_id: "" });
    expect(await asOwner`SELECT id FROM mappings WHERE patient_id = ${patient.id}`).toEqual([]);
  });

  test("the patient of another account, also when assigned there and also to an admin", async () => {
    const api = connectApi();
    const { nurse: owner, patient, doctor } = await ward(api);
    const { nurse } = await ward(api);
    await asOwner`UPDATE users SET role = 'admin' WHERE id = ${nurse.id}`;
    await create(owner, "/api/mappings/", { patient: patient.id, doctor: doctor.id });
    const answer = await nurse.post("/api/mappings/", { patient: patient.id, doctor: doctor.id });
    expect(answer).toEqual(refusal("patient"));
  });

  test("the doctor", async () => {
    const { nurse, patient } = await ward();
    const answer = await nurse.post("/api/mappings/", { patient: patient.id, doctor: NEVER_EXISTED });
    expect(answer).toEqual(refusal("doctor"));
  });

  test("both", async () => {
    const { nurse } = await ward();
    const answer = await nurse.post("/api/mappings/", { patient: NEVER_EXISTED, doctor: NEVER_EXISTED });
    expect(answer).toEqual(refusal("patient", "doctor"));
  });
});

test.each([0, -1, 1.5, 2 ** 31, 1e300, "1", "", null, true, [1], { id: 1 }, undefined])(
  "%j is no id of a patient or a doctor",
  async (id) => {
    const { nurse } = await ward();
    const answer = await nurse.post("/api/mappings/", { patient: id, doctor: id });
    expect(answer).toEqual(refusal("patient", "doctor"));
  },
);

test("an id beyond every number is refused", async () => {
  const { nurse, doctor } = await ward();
  const headers = { "Content-Type": "application/json" };
  const raw = `{"patient": 1e400, "doctor": ${doctor.id}}`;
  expect(await nurse.post("/api/mappings/", undefined, { raw, headers })).toEqual(refusal("patient"));
});

test("read-only fields are ignored when an assignment is made", async () => {
  const { nurse, patient, doctor } = await ward();
  const sent = { patient: patient.id, doctor: doctor.id, id: 1, assigned_at: "2001-01-01T00:00:00.000Z" };
  const body = await create(nurse, "/api/mappings/", sent);
  expect(body).toEqual({ ...sent, id: body.id, assigned_at: moment });
  expect(body.id).not.toBe(1);
  expect(body.assigned_at).not.toBe(sent.assigned_at);
});

test("a field that an assignment does not have is refused, and nothing is assigned", async () => {
  const { nurse, patient, doctor } = await ward();
  const answer = await nurse.post("/api/mappings/", { patient: patient.id, doctor: doctor.id, nurse: 1 });
  expect(answer).toEqual(refusal("nurse"));
  expect((await nurse.get("/api/mappings/")).body).toEqual([]);
});
