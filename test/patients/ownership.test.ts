import { describe, expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { asOwner, create, newDoctor, newPatient, signUp } from "../support/fixtures.ts";
import { problem } from "../support/problems.ts";

const NEVER_EXISTED = 2_147_483_647;
const methods = ["GET", "PUT", "PATCH", "DELETE"] as const;
const bodyOf = (method: string) => (method.startsWith("P") ? { age: 37 } : undefined);

describe.each(methods)("%s of another account's patient", (method) => {
  test.each(["clinician", "admin"])("is 404 to a %s, as of one that never existed", async (role) => {
    const api = connectApi();
    const owner = await signUp(api);
    const other = await signUp(api);
    await asOwner`UPDATE users SET role = ${role} WHERE id = ${other.id}`;
    const { id } = await create(owner, "/api/patients/", newPatient());
    const request = (of: number) =>
      api.request(method, `/api/patients/${of}/`, bodyOf(method), { token: other.access });
    const theirs = await request(id);
    const nobodys = await request(NEVER_EXISTED);
    expect(theirs).toEqual(problem(404));
    expect({ ...theirs.body, request_id: "" }).toEqual({ ...nobodys.body, request_id: "" });
    expect([...theirs.headers.keys()]).toEqual([...nobodys.headers.keys()]);
  });

  test("leaves it as it was, and its assignments", async () => {
    const api = connectApi();
    const owner = await signUp(api);
    const other = await signUp(api);
    const patient = await create(owner, "/api/patients/", newPatient());
    const doctor = await create(owner, "/api/doctors/", newDoctor());
    await create(owner, "/api/mappings/", { patient: patient.id, doctor: doctor.id });
    const path = `/api/patients/${patient.id}/`;
    await api.request(method, path, bodyOf(method), { token: other.access });
    expect((await owner.get(path)).body).toEqual(patient);
    expect((await owner.get(`/api/mappings/${patient.id}/`)).body.doctors).toHaveLength(1);
  });

  test("with an email that is taken there does not tell so", async () => {
    const api = connectApi();
    const owner = await signUp(api);
    const other = await signUp(api);
    const { email } = await create(owner, "/api/patients/", newPatient());
    const { id } = await create(owner, "/api/patients/", newPatient());
    const body = method.startsWith("P") ? { email } : undefined;
    const answer = await api.request(method, `/api/patients/${id}/`, body, { token: other.access });
    expect(answer).toEqual(problem(404));
  });
});

describe.each(methods)("%s of a path that names no patient", (method) => {
  test.each([
    "0",
    "-1",
    "+1",
    "1.0",
    "1e0",
    "01",
    "abc",
    "2147483648",
    "99999999999999999999",
    "%20",
    "1%00",
  ])("/api/patients/%s/ is 404", async (id) => {
    const api = connectApi();
    const { access } = await signUp(api);
    const answer = await api.request(method, `/api/patients/${id}/`, bodyOf(method), { token: access });
    expect(answer).toEqual(problem(404));
  });
});
