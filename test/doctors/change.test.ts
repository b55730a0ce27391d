import { describe, expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { create, newDoctor, signUp } from "../support/fixtures.ts";
import { moment, problem } from "../support/problems.ts";

describe.each(["put", "patch"] as const)("%s", (change) => {
  test.each([
    ["firstname", "Lisa"],
    ["lastname", "Cuddy"],
    ["email", `lisa.${crypto.randomUUID()}@example.org`],
    ["gender", "F"],
    ["specialization", "PED"],
    ["max_appointments_per_day", 0],
  ])("changes %s when it is sent alone and leaves the rest", async (field, value) => {
    const nurse = await signUp(connectApi());
    const doctor = await create(nurse, "/api/doctors/", newDoctor({ max_appointments_per_day: 7 }));
    const path = `/api/doctors/${doctor.id}/`;
    const { status, body } = await nurse[change](path, { [field]: value });
    expect(status).toBe(200);
    expect(body).toEqual({ ...doctor, [field]: value, updated_at: moment });
    expect((await nurse.get(path)).body).toEqual(body);
  });

  test("leaves all fields when none is sent, max_appointments_per_day too", async () => {
    const nurse = await signUp(connectApi());
    const doctor = await create(nurse, "/api/doctors/", newDoctor({ max_appointments_per_day: 7 }));
    const { status, body } = await nurse[change](`/api/doctors/${doctor.id}/`, {});
    expect(status).toBe(200);
    expect(body).toEqual({ ...doctor, updated_at: moment });
  });

  test("moves updated_at and not created_at", async () => {
    const nurse = await signUp(connectApi());
    const doctor = await create(nurse, "/api/doctors/", newDoctor());
    await scheduler.wait(5); // milliseconds are what timestamps have
    const { body } = await nurse[change](`/api/doctors/${doctor.id}/`, { lastname: "Cuddy" });
    expect(Date.parse(body.updated_at)).toBeGreaterThan(Date.parse(doctor.updated_at));
    expect(body.created_at).toBe(doctor.created_at);
  });

  test("takes back a whole doctor with one field changed", async () => {
    const nurse = await signUp(connectApi());
    const { id } = await create(nurse, "/api/doctors/", newDoctor());
    const { body: doctor } = await nurse.get(`/api/doctors/${id}/`);
    const { status, body } = await nurse[change](`/api/doctors/${id}/`, { ...doctor, lastname: "Cuddy" });
    expect(status).toBe(200);
    expect(body).toEqual({ ...doctor, lastname: "Cuddy", updated_at: moment });
  });

  test("ignores read-only fields: nobody gives a doctor away or moves it", async () => {
    const api = connectApi();
    const nurse = await signUp(api);
    const other = await signUp(api);
    const doctor = await create(nurse, "/api/doctors/", newDoctor());
    const long_ago = "2001-01-01T00:00:00.000Z";
    const readOnly = { id: 1, created_by: other.id, created_at: long_ago, updated_at: long_ago };
    const { body } = await nurse[change](`/api/doctors/${doctor.id}/`, readOnly);
    expect(body).toEqual({ ...doctor, updated_at: moment });
    expect(body.updated_at).not.toBe(long_ago);
  });

  test("to another doctor's email is 409, in whatever case, and changes nothing", async () => {
    const api = connectApi();
    const nurse = await signUp(api);
    const { email } = await create(await signUp(api), "/api/doctors/", newDoctor());
    const doctor = await create(nurse, "/api/doctors/", newDoctor());
    const path = `/api/doctors/${doctor.id}/`;
    const answer = await nurse[change](path, { lastname: "Cuddy", email: email.toUpperCase() });
    expect(answer).toEqual(problem(409, "A doctor with this email already exists."));
    expect((await nurse.get(path)).body).toEqual(doctor);
  });

  test("to the doctor's own email in another case is no conflict", async () => {
    const nurse = await signUp(connectApi());
    const doctor = await create(nurse, "/api/doctors/", newDoctor());
    const email = doctor.email.toUpperCase();
    const { status, body } = await nurse[change](`/api/doctors/${doctor.id}/`, { email });
    expect(status).toBe(200);
    expect(body.email).toBe(email);
  });
});
