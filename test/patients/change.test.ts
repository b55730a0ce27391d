import { describe, expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { create, newPatient, signUp } from "../support/fixtures.ts";
import { moment, problem, refusal } from "../support/problems.ts";

describe.each(["put", "patch"] as const)("%s", (change) => {
  test.each([
    ["firstname", "Augusta"],
    ["lastname", "King"],
    ["email", `augusta.${crypto.randomUUID()}@example.org`],
    ["age", 37],
    ["gender", "O"],
  ])("changes %s when it is sent alone and leaves the rest", async (field, value) => {
    const nurse = await signUp(connectApi());
    const patient = await create(nurse, "/api/patients/", newPatient());
    const path = `/api/patients/${patient.id}/`;
    const { status, body } = await nurse[change](path, { [field]: value });
    expect(status).toBe(200);
    expect(body).toEqual({ ...patient, [field]: value, updated_at: moment });
    expect((await nurse.get(path)).body).toEqual(body);
  });

  test("changes all fields at once", async () => {
    const nurse = await signUp(connectApi());
    const patient = await create(nurse, "/api/patients/", newPatient());
    const fields = newPatient({ firstname: "Alan", lastname: "Turing", age: 41, gender: "M" });
    const { body } = await nurse[change](`/api/patients/${patient.id}/`, fields);
    expect(body).toEqual({ ...patient, ...fields, updated_at: moment });
  });

  test("leaves all fields when none is sent", async () => {
    const nurse = await signUp(connectApi());
    const patient = await create(nurse, "/api/patients/", newPatient());
    const { status, body } = await nurse[change](`/api/patients/${patient.id}/`, {});
    expect(status).toBe(200);
    expect(body).toEqual({ ...patient, updated_at: moment });
  });

  test("moves updated_at and not created_at", async () => {
    const nurse = await signUp(connectApi());
    const patient = await create(nurse, "/api/patients/", newPatient());
    await scheduler.wait(5); // milliseconds are what timestamps have
    const { body } = await nurse[change](`/api/patients/${patient.id}/`, { age: 37 });
    expect(Date.parse(body.updated_at)).toBeGreaterThan(Date.parse(patient.updated_at));
    expect(body.created_at).toBe(patient.created_at);
  });

  test("takes back a whole patient with one field changed", async () => {
    const nurse = await signUp(connectApi());
    const { id } = await create(nurse, "/api/patients/", newPatient());
    const { body: patient } = await nurse.get(`/api/patients/${id}/`);
    const { status, body } = await nurse[change](`/api/patients/${id}/`, { ...patient, age: 37 });
    expect(status).toBe(200);
    expect(body).toEqual({ ...patient, age: 37, updated_at: moment });
  });

  test("ignores read-only fields: nobody gives a patient away or moves it", async () => {
    const api = connectApi();
    const nurse = await signUp(api);
    const other = await signUp(api);
    const patient = await create(nurse, "/api/patients/", newPatient());
    const long_ago = "2001-01-01T00:00:00.000Z";
    const readOnly = { id: 1, created_by: other.id, created_at: long_ago, updated_at: long_ago };
    const { body } = await nurse[change](`/api/patients/${patient.id}/`, { ...readOnly, age: 37 });
    expect(body).toEqual({ ...patient, age: 37, updated_at: moment });
    expect(body.updated_at).not.toBe(long_ago);
    expect((await other.get(`/api/patients/${patient.id}/`)).status).toBe(404);
  });

  test("to the email of another of one's patients is 409, in whatever case, and changes nothing", async () => {
    const nurse = await signUp(connectApi());
    const { email } = await create(nurse, "/api/patients/", newPatient());
    const patient = await create(nurse, "/api/patients/", newPatient());
    const path = `/api/patients/${patient.id}/`;
    const answer = await nurse[change](path, { age: 37, email: email.toUpperCase() });
    expect(answer).toEqual(problem(409, "You already have a patient with this email."));
    expect((await nurse.get(path)).body).toEqual(patient);
  });

  test("to the patient's own email in another case is no conflict", async () => {
    const nurse = await signUp(connectApi());
    const patient = await create(nurse, "/api/patients/", newPatient());
    const email = patient.email.toUpperCase();
    const { status, body } = await nurse[change](`/api/patients/${patient.id}/`, { email });
    expect(status).toBe(200);
    expect(body.email).toBe(email);
  });

  test("to the email of another account's patient is no conflict", async () => {
    const api = connectApi();
    const nurse = await signUp(api);
    const { email } = await create(await signUp(api), "/api/patients/", newPatient());
    const { id } = await create(nurse, "/api/patients/", newPatient());
    const { status, body } = await nurse[change](`/api/patients/${id}/`, { email });
    expect(status).toBe(200);
    expect(body.email).toBe(email);
  });

  test.each([[[]], ["patient"], [7], [null], [true]])("refuses %j, which is no object", async (sent) => {
    const nurse = await signUp(connectApi());
    const { id } = await create(nurse, "/api/patients/", newPatient());
    expect(await nurse[change](`/api/patients/${id}/`, sent)).toEqual(refusal("body"));
  });

  test("without a body is 400", async () => {
    const nurse = await signUp(connectApi());
    const { id } = await create(nurse, "/api/patients/", newPatient());
    expect((await nurse[change](`/api/patients/${id}/`)).status).toBe(400);
  });

  test("of one patient leaves one's others", async () => {
    const nurse = await signUp(connectApi());
    const one = await create(nurse, "/api/patients/", newPatient());
    const two = await create(nurse, "/api/patients/", newPatient());
    const { body } = await nurse[change](`/api/patients/${one.id}/`, { age: 99 });
    expect((await nurse.get("/api/patients/")).body).toEqual([body, two]);
  });
});
