import { describe, expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { asOwner, create, newDoctor, newPatient, PASSWORD, signUp, unique } from "../support/fixtures.ts";
import { atOnce, CROWD, rounds, several, tally } from "../support/races.ts";

describe.each(rounds(5))("of 20 at once, round %i:", () => {
  test("one registers a username, in whatever case", async () => {
    const api = connectApi();
    const name = unique("user-");
    const answers = await atOnce(CROWD, (index) =>
      api.post("/api/auth/register/", {
        username: index % 2 ? name : name.toUpperCase(),
        email: "nurse@example.org",
        password: PASSWORD,
      }),
    );
    expect(tally(answers)).toEqual({ 201: 1, 409: 19 });
    expect(await asOwner`SELECT id FROM users WHERE lower(username) = ${name}`).toHaveLength(1);
  });

  test("one assigns a doctor to a patient", async () => {
    const nurse = await signUp(connectApi());
    const patient = await create(nurse, "/api/patients/", newPatient());
    const doctor = await create(nurse, "/api/doctors/", newDoctor());
    const answers = await atOnce(CROWD, () =>
      nurse.post("/api/mappings/", { patient: patient.id, doctor: doctor.id }),
    );
    expect(tally(answers)).toEqual({ 201: 1, 409: 19 });
    expect((await nurse.get("/api/mappings/")).body).toHaveLength(1);
  });

  test("one spends a refresh token, and the session goes on", async () => {
    const api = connectApi();
    const { refresh, access } = await signUp(api);
    const answers = await atOnce(CROWD, () => api.post("/api/auth/refresh/", { refresh }));
    expect(tally(answers)).toEqual({ 200: 1, 401: 19 });
    const { body } = answers.find(({ status }) => status === 200) ?? {};
    for (const token of [access, body.access]) {
      expect((await api.get("/api/auth/me/", { token })).status).toBe(200);
    }
    expect((await api.post("/api/auth/refresh/", { refresh: body.refresh })).status).toBe(200);
  });

  test("one creates a patient of an email", async () => {
    const nurse = await signUp(connectApi());
    const { email } = newPatient();
    const answers = await atOnce(CROWD, () => nurse.post("/api/patients/", newPatient({ email })));
    expect(tally(answers)).toEqual({ 201: 1, 409: 19 });
    expect((await nurse.get("/api/patients/")).body).toHaveLength(1);
  });

  test("one of the patients who are given the same email gets it", async () => {
    const nurse = await signUp(connectApi());
    const patients = await several(nurse, "/api/patients/", newPatient, CROWD);
    const { email } = newPatient();
    const answers = await atOnce(CROWD, (index) =>
      nurse.patch(`/api/patients/${patients[index].id}/`, { email }),
    );
    expect(tally(answers)).toEqual({ 200: 1, 409: 19 });
  });

  test("one deletes a patient", async () => {
    const nurse = await signUp(connectApi());
    const { id } = await create(nurse, "/api/patients/", newPatient());
    const answers = await atOnce(CROWD, () => nurse.delete(`/api/patients/${id}/`));
    expect(tally(answers)).toEqual({ 204: 1, 404: 19 });
  });
});

test.each(rounds(30))(
  "two patients who swap emails at once: neither gets the other's, round %i",
  async () => {
    const nurse = await signUp(connectApi());
    const [one, other] = await several(nurse, "/api/patients/", newPatient, 2);
    const answers = await Promise.all([
      nurse.patch(`/api/patients/${one.id}/`, { email: other.email }),
      nurse.patch(`/api/patients/${other.id}/`, { email: one.email }),
    ]);
    expect(tally(answers)).toEqual({ 409: 2 });
  },
);
