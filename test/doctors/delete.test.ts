import { expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { type Account, asOwner, create, newDoctor, newPatient, signUp } from "../support/fixtures.ts";
import { problem } from "../support/problems.ts";

async function assign(account: Account, doctor: { id: number }) {
  const patient = await create(account, "/api/patients/", newPatient());
  return create(account, "/api/mappings/", { patient: patient.id, doctor: doctor.id });
}

test("a deleted doctor is answered with 204 and no body, and is gone", async () => {
  const nurse = await signUp(connectApi());
  const { id } = await create(nurse, "/api/doctors/", newDoctor());
  const { status, body } = await nurse.delete(`/api/doctors/${id}/`);
  expect({ status, body }).toEqual({ status: 204, body: "" });
  expect(await nurse.get(`/api/doctors/${id}/`)).toEqual(problem(404));
});

test("a doctor is deleted once: the second time it is 404", async () => {
  const nurse = await signUp(connectApi());
  const { id } = await create(nurse, "/api/doctors/", newDoctor());
  await nurse.delete(`/api/doctors/${id}/`);
  expect(await nurse.delete(`/api/doctors/${id}/`)).toEqual(problem(404));
});

test.each([
  [1, /\b1 patient\b/],
  [2, /\b2 patients\b/],
])("a doctor with %i of one's patients is not deleted, and the 409 says how many", async (count, said) => {
  const nurse = await signUp(connectApi());
  const doctor = await create(nurse, "/api/doctors/", newDoctor());
  for (let made = 0; made < count; made++) await assign(nurse, doctor);
  const answer = await nurse.delete(`/api/doctors/${doctor.id}/`);
  expect(answer).toEqual(problem(409, expect.stringMatching(said)));
  expect((await nurse.get(`/api/doctors/${doctor.id}/`)).body).toEqual(doctor);
  expect((await nurse.get("/api/mappings/")).body).toHaveLength(count);
});

test.each(["clinician", "admin"])("other accounts' patients count too, to a %s", async (role) => {
  const api = connectApi();
  const nurse = await signUp(api);
  await asOwner`UPDATE users SET role = ${role} WHERE id = ${nurse.id}`;
  const doctor = await create(nurse, "/api/doctors/", newDoctor());
  for (const account of [nurse, await signUp(api), await signUp(api)]) await assign(account, doctor);
  const answer = await nurse.delete(`/api/doctors/${doctor.id}/`);
  expect(answer).toEqual(problem(409, expect.stringMatching(/\b3 patients\b/)));
});

test("the patients of other doctors do not count", async () => {
  const nurse = await signUp(connectApi());
  const doctor = await create(nurse, "/api/doctors/", newDoctor());
  await assign(nurse, await create(nurse, "/api/doctors/", newDoctor()));
  expect((await nurse.delete(`/api/doctors/${doctor.id}/`)).status).toBe(204);
});

test("a doctor can be deleted after the last assignment has ended", async () => {
  const nurse = await signUp(connectApi());
  const doctor = await create(nurse, "/api/doctors/", newDoctor());
  const assignments = [await assign(nurse, doctor), await assign(nurse, doctor)];
  for (const { id } of assignments) {
    expect((await nurse.delete(`/api/doctors/${doctor.id}/`)).status).toBe(409);
    await nurse.delete(`/api/mappings/${id}/`);
  }
  expect((await nurse.delete(`/api/doctors/${doctor.id}/`)).status).toBe(204);
});

test("a doctor can be deleted after the last patient has gone", async () => {
  const nurse = await signUp(connectApi());
  const doctor = await create(nurse, "/api/doctors/", newDoctor());
  const { patient } = await assign(nurse, doctor);
  await nurse.delete(`/api/patients/${patient}/`);
  expect((await nurse.delete(`/api/doctors/${doctor.id}/`)).status).toBe(204);
});
