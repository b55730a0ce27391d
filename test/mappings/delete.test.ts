import { describe, expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { type Account, asOwner, create, newDoctor, newPatient, signUp } from "../support/fixtures.ts";
import { problem } from "../support/problems.ts";

async function assign(account: Account) {
  const patient = await create(account, "/api/patients/", newPatient());
  const doctor = await create(account, "/api/doctors/", newDoctor());
  return create(account, "/api/mappings/", { patient: patient.id, doctor: doctor.id });
}

const paths: [string, (id: number | string) => string][] = [
  ["/api/mappings/:id/delete/", (id) => `/api/mappings/${id}/delete/`],
  ["/api/mappings/:id/", (id) => `/api/mappings/${id}/`],
];

describe.each(paths)("DELETE %s", (_, path) => {
  test("ends an assignment with 204 and no body, and no other", async () => {
    const nurse = await signUp(connectApi());
    const ended = await assign(nurse);
    const staying = await assign(nurse);
    const { status, body } = await nurse.delete(path(ended.id));
    expect({ status, body }).toEqual({ status: 204, body: "" });
    expect((await nurse.get("/api/mappings/")).body).toMatchObject([{ id: staying.id }]);
  });

  test("leaves the patient and the doctor", async () => {
    const nurse = await signUp(connectApi());
    const { id, patient, doctor } = await assign(nurse);
    await nurse.delete(path(id));
    expect((await nurse.get(`/api/patients/${patient}/`)).status).toBe(200);
    expect((await nurse.get(`/api/doctors/${doctor}/`)).status).toBe(200);
  });

  test("is 404 the second time", async () => {
    const nurse = await signUp(connectApi());
    const { id } = await assign(nurse);
    await nurse.delete(path(id));
    expect(await nurse.delete(path(id))).toEqual(problem(404));
  });

  test.each(["clinician", "admin"])("is 404 for another account's to a %s, and leaves it", async (role) => {
    const api = connectApi();
    const nurse = await signUp(api);
    const other = await signUp(api);
    await asOwner`UPDATE users SET role = ${role} WHERE id = ${other.id}`;
    const { id } = await assign(nurse);
    const theirs = await other.delete(path(id));
    const nobodys = await other.delete(path(2_147_483_647));
    expect(theirs).toEqual(problem(404));
    expect({ ...theirs.body, request_id: "" }).toEqual({ ...nobodys.body, request_id: "" });
    expect((await nurse.get("/api/mappings/")).body).toMatchObject([{ id }]);
  });

  test("is 404 for another account's although the doctor is one's own", async () => {
    const api = connectApi();
    const nurse = await signUp(api);
    const other = await signUp(api);
    const doctor = await create(other, "/api/doctors/", newDoctor());
    const patient = await create(nurse, "/api/patients/", newPatient());
    const { id } = await create(nurse, "/api/mappings/", { patient: patient.id, doctor: doctor.id });
    expect(await other.delete(path(id))).toEqual(problem(404));
  });

  test.each(["0", "-1", "01", "1.5", "abc", "2147483648"])("is 404 for the id %s", async (id) => {
    const nurse = await signUp(connectApi());
    expect(await nurse.delete(path(id))).toEqual(problem(404));
  });
});
