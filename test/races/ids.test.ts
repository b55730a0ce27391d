import { expect, test } from "vitest";
import { logIn, PASSWORD, signUp } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { inEmptyDatabase } from "../support/empty-database.ts";
import { owner } from "../support/owner.ts";
import { atOnce, CROWD, tally } from "../support/races.ts";
import { newDoctor, newPatient } from "../support/resources.ts";

test("a POST of a duplicate is 409 and uses no id, so that nobody can use up the ids", async () => {
  await inEmptyDatabase(async (url) => {
    const api = connectApi({ DATABASE_URL: url });
    const { post, username } = await signUp(api);
    const [patient, doctor] = [newPatient(), newDoctor()];
    const ids = {
      patient: (await post("/api/patients/", patient)).body.id,
      doctor: (await post("/api/doctors/", doctor)).body.id,
    };
    await post("/api/mappings/", ids);
    const email = doctor.email.toUpperCase();
    for (const options of [{}, { headers: { "Idempotency-Key": "key" } }]) {
      const answers = [
        await post("/api/patients/", { ...patient, age: 1 }, options),
        await post("/api/doctors/", { ...doctor, email }, options),
        await post("/api/mappings/", ids, options),
      ];
      expect(answers.map(({ status }) => status)).toEqual([409, 409, 409]);
    }
    const registration = { username: username.toUpperCase(), email: "a@example.org", password: PASSWORD };
    expect((await api.post("/api/auth/register/", registration)).status).toBe(409);
    await logIn(api, username);
    const sequences = await owner(url)`SELECT last_value::int AS last FROM pg_sequences
      WHERE sequencename IN ('users_id_seq', 'patients_id_seq', 'doctors_id_seq', 'mappings_id_seq')`;
    expect(sequences.map(({ last }) => last)).toEqual([1, 1, 1, 1]);
  });
});

test("of many POSTs of the same at once only the 201 uses an id, and of many imports with one key only the first uses ids", async () => {
  await inEmptyDatabase(async (url) => {
    const api = connectApi({ DATABASE_URL: url, DATABASE_TIMEOUT_MS: 60_000 });
    const { post } = await signUp(api);
    const [patient, doctor] = [newPatient(), newDoctor()];
    await atOnce(CROWD, () => post("/api/patients/", patient));
    await atOnce(CROWD, () => post("/api/doctors/", doctor));
    await atOnce(CROWD, () => post("/api/mappings/", { patient: 1, doctor: 1 }));
    const registration = { username: "raced", email: "a@example.org", password: PASSWORD };
    await atOnce(CROWD, () => api.post("/api/auth/register/", registration));
    const raw = Array.from({ length: 50 }, () => JSON.stringify(newPatient())).join("\n");
    const headers = { "Content-Type": "application/x-ndjson", "Idempotency-Key": "one" };
    const imports = await atOnce(CROWD, () => post("/api/patients/import/", undefined, { raw, headers }));
    expect(tally(imports)).toEqual({ 201: CROWD });
    const sequences = await owner(url)`SELECT last_value::int AS last FROM pg_sequences
      WHERE sequencename IN ('users_id_seq', 'patients_id_seq', 'doctors_id_seq', 'mappings_id_seq')
      ORDER BY sequencename`;
    expect(sequences.map(({ last }) => last)).toEqual([1, 1, 51, 2]);
  });
});
