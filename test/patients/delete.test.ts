import { expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { asOwner, create, newDoctor, newPatient, signUp } from "../support/fixtures.ts";
import { problem } from "../support/problems.ts";

test("a deleted patient is answered with 204 and no body, and is gone", async () => {
  const nurse = await signUp(connectApi());
  const { id } = await create(nurse, "/api/patients/", newPatient());
  const { status, body } = await nurse.delete(`/api/patients/${id}/`);
  expect({ status, body }).toEqual({ status: 204, body: "" });
  expect((await nurse.get(`/api/patients/${id}/`)).status).toBe(404);
  expect((await nurse.get("/api/patients/")).body).toEqual([]);
});

test("a patient is deleted once: the second time it is 404", async () => {
  const nurse = await signUp(connectApi());
  const { id } = await create(nurse, "/api/patients/", newPatient());
  await nurse.delete(`/api/patients/${id}/`);
  expect(await nurse.delete(`/api/patients/${id}/`)).toEqual(problem(404));
});

test("deleting a patient leaves one's others", async () => {
  const nurse = await signUp(connectApi());
  const { id } = await create(nurse, "/api/patients/", newPatient());
  const other = await create(nurse, "/api/patients/", newPatient());
  await nurse.delete(`/api/patients/${id}/`);
  expect((await nurse.get("/api/patients/")).body).toEqual([other]);
});

test("a deleted patient's assignments go with it, and no other's", async () => {
  const nurse = await signUp(connectApi());
  const doctor = await create(nurse, "/api/doctors/", newDoctor());
  const leaving = await create(nurse, "/api/patients/", newPatient());
  const staying = await create(nurse, "/api/patients/", newPatient());
  await create(nurse, "/api/mappings/", { patient: leaving.id, doctor: doctor.id });
  const { id } = await create(nurse, "/api/mappings/", { patient: staying.id, doctor: doctor.id });
  expect((await nurse.delete(`/api/patients/${leaving.id}/`)).status).toBe(204);
  expect(await asOwner`SELECT id FROM mappings WHERE doctor_id = ${doctor.id}`).toEqual([{ id }]);
  expect((await nurse.get(`/api/mappings/${leaving.id}/`)).status).toBe(404);
});

test("a doctor stays when a patient of theirs is deleted", async () => {
  const nurse = await signUp(connectApi());
  const doctor = await create(nurse, "/api/doctors/", newDoctor());
  const patient = await create(nurse, "/api/patients/", newPatient());
  await create(nurse, "/api/mappings/", { patient: patient.id, doctor: doctor.id });
  await nurse.delete(`/api/patients/${patient.id}/`);
  expect((await nurse.get(`/api/doctors/${doctor.id}/`)).body).toEqual(doctor);
});
