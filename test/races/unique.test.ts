import { describe, expect, test } from "vitest";
import { newAccount, newRefreshToken, PASSWORD, unique } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { atOnce, CROWD, rounds, tally } from "../support/races.ts";
import { createDoctor, createPatient, newDoctor, newPatient } from "../support/records.ts";

const oneOf = (won: number, lost: number) => ({ [won]: 1, [lost]: CROWD - 1 });
const anyCase = (text: string, index: number) => (index % 2 ? text : text.toUpperCase());

describe.each(rounds(4))("of many at once, round %i:", () => {
  test("one registers a username, in whatever case", async () => {
    const api = connectApi();
    const [name, rest] = [unique("user-"), { email: "nurse@example.org", password: PASSWORD }];
    const answers = await atOnce(CROWD, (index) =>
      api.post("/api/auth/register/", { ...rest, username: anyCase(name, index) }),
    );
    expect(tally(answers)).toEqual(oneOf(201, 409));
    expect(await asOwner`SELECT id FROM users WHERE lower(username) = ${name}`).toHaveLength(1);
  });

  test("each that spends a refresh token at the same moment gets a pair of its session, which goes on", async () => {
    const nurse = await newAccount();
    const refresh = await newRefreshToken(nurse);
    const answers = await atOnce(100, () => nurse.api.post("/api/auth/refresh/", { refresh }));
    expect(tally(answers)).toEqual({ 200: 100 });
    expect(new Set(answers.map(({ body }) => body.refresh)).size).toBe(100);
    const pair = answers[99]?.body;
    expect((await nurse.api.get("/api/auth/me/", { token: pair.access })).body.id).toBe(nurse.id);
    expect((await nurse.api.post("/api/auth/refresh/", { refresh: pair.refresh })).status).toBe(200);
  });

  test("one creates a patient of an email, and one account a doctor", async () => {
    const [nurse, patient, doctor] = [await newAccount(), newPatient(), newDoctor()];
    const patients = await atOnce(CROWD, () => nurse.post("/api/patients/", patient));
    expect(tally(patients)).toEqual(oneOf(201, 409));
    const accounts = await atOnce(CROWD, () => newAccount());
    const doctors = await Promise.all(accounts.map((account) => account.post("/api/doctors/", doctor)));
    expect(tally(doctors)).toEqual(oneOf(201, 409));
  });

  test("one patient gets the email that all are given", async () => {
    const nurse = await newAccount();
    const patients = await atOnce(CROWD, () => createPatient(nurse));
    const { email } = newPatient();
    const answers = await atOnce(CROWD, (index) =>
      nurse.patch(`/api/patients/${patients[index].id}/`, { email: anyCase(email, index) }),
    );
    expect(tally(answers)).toEqual(oneOf(200, 409));
  });

  test("one assigns a doctor to a patient", async () => {
    const nurse = await newAccount();
    const ids = { patient: (await createPatient(nurse)).id, doctor: (await createDoctor(nurse)).id };
    expect(tally(await atOnce(CROWD, () => nurse.post("/api/mappings/", ids)))).toEqual(oneOf(201, 409));
    expect((await nurse.get("/api/mappings/")).body).toHaveLength(1);
  });
});
