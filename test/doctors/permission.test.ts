import { describe, expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { asOwner, create, newDoctor, newPatient, signUp } from "../support/fixtures.ts";
import { moment, problem } from "../support/problems.ts";

/** The account that created a doctor, the doctor, and another account: an admin or not. */
async function hospital(role: "clinician" | "admin") {
  const api = connectApi();
  const owner = await signUp(api);
  const other = await signUp(api);
  await asOwner`UPDATE users SET role = ${role} WHERE id = ${other.id}`;
  return { api, owner, other, doctor: await create(owner, "/api/doctors/", newDoctor()) };
}

describe.each(["PUT", "PATCH", "DELETE"])("%s of a doctor whom another account created", (method) => {
  const fields = method === "DELETE" ? undefined : { lastname: "Cuddy" };

  test("is 403, and the doctor stays as it was", async () => {
    const { api, owner, other, doctor } = await hospital("clinician");
    const path = `/api/doctors/${doctor.id}/`;
    expect(await api.request(method, path, fields, { token: other.access })).toEqual(problem(403));
    expect((await owner.get(path)).body).toEqual(doctor);
  });

  test("is 403 also when it would be a conflict", async () => {
    const { api, owner, other, doctor } = await hospital("clinician");
    const patient = await create(owner, "/api/patients/", newPatient());
    await create(owner, "/api/mappings/", { patient: patient.id, doctor: doctor.id });
    const { email } = await create(owner, "/api/doctors/", newDoctor());
    const conflict = fields && { email };
    const options = { token: other.access };
    expect(await api.request(method, `/api/doctors/${doctor.id}/`, conflict, options)).toEqual(problem(403));
  });

  test("is 403 again once an admin is none any more", async () => {
    const { api, other, doctor } = await hospital("admin");
    await asOwner`UPDATE users SET role = 'clinician' WHERE id = ${other.id}`;
    const options = { token: other.access };
    expect(await api.request(method, `/api/doctors/${doctor.id}/`, fields, options)).toEqual(problem(403));
  });
});

test.each(["put", "patch"] as const)(
  "an admin may %s any doctor, who stays its creator's",
  async (change) => {
    const { owner, other, doctor } = await hospital("admin");
    const { status, body } = await other[change](`/api/doctors/${doctor.id}/`, { lastname: "Cuddy" });
    expect(status).toBe(200);
    expect(body).toEqual({ ...doctor, lastname: "Cuddy", updated_at: moment });
    expect(body.created_by).toBe(owner.id);
  },
);

test("an admin may delete any doctor", async () => {
  const { owner, other, doctor } = await hospital("admin");
  expect((await other.delete(`/api/doctors/${doctor.id}/`)).status).toBe(204);
  expect((await owner.get(`/api/doctors/${doctor.id}/`)).status).toBe(404);
});
