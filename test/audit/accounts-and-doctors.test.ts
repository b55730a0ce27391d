import { describe, expect, test } from "vitest";
import {
  insertRefreshToken,
  logIn,
  moveSpentTime,
  newAccount,
  PASSWORD,
  signUp,
  uniqueName,
} from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { actorColumns, auditEventsOf, emptyAuditEvent } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import { assignDoctor, newDoctor, newPatient, postDoctor, postPatient } from "../support/resources.ts";

const api = connectApi();
const nurse = await newAccount(api);
const blank = emptyAuditEvent(api);

describe("a request with an idempotency key", () => {
  const file = { raw: JSON.stringify(newPatient()), headers: { "Content-Type": "application/x-ndjson" } };
  test.each<[what: string, send: (headers: Record<string, string>) => ReturnType<typeof nurse.post>]>([
    ["for a patient", (headers) => nurse.post("/api/patients/", patient, { headers })],
    ["for a doctor", (headers) => nurse.post("/api/doctors/", doctor, { headers })],
    ["for an assignment", async (headers) => nurse.post("/api/mappings/", await assignment, { headers })],
    [
      "for an import",
      (headers) =>
        nurse.post("/api/patients/import/", undefined, { ...file, headers: { ...file.headers, ...headers } }),
    ],
  ])("%s that is sent again is audited as a replay", async (_, send) => {
    const headers = { "Idempotency-Key": uniqueName("key-") };
    const [first] = await auditEventsOf(await send(headers));
    const second = await auditEventsOf(await send(headers));
    expect(first).toMatchObject({ outcome: "done" });
    expect(second).toEqual([{ ...first, action: "replay", changes: null }]);
  });
  const [patient, doctor] = [newPatient(), newDoctor()];
  const assignment = Promise.all([postPatient(nurse), postDoctor(nurse)]).then(([patient, doctor]) => ({
    patient: patient.id,
    doctor: doctor.id,
  }));

  test("that an earlier, different request had is 422 and audited as refused, without patients", async () => {
    const headers = { "Idempotency-Key": uniqueName("key-") };
    await nurse.post("/api/patients/", newPatient(), { headers });
    const answer = await nurse.post("/api/patients/", newPatient(), { headers });
    expect(answer.status).toBe(422);
    expect(await auditEventsOf(answer)).toEqual([
      { ...blank, ...actorColumns(nurse), action: "create", outcome: "refused", patients: null },
    ]);
  });
});

test("creating, changing and deleting a doctor is audited, and reading the directory is not", async () => {
  const sent = newDoctor({ max_appointments_per_day: 7, email_shared: true, phones: ["+442079460958"] });
  const created = await nurse.post("/api/doctors/", sent);
  const event = { ...blank, ...actorColumns(nurse), doctor_id: created.body.id };
  const changesOf = (pair: (value: unknown) => object) =>
    Object.fromEntries(Object.entries(sent).map(([field, value]) => [field, pair(value)]));
  const path = `/api/doctors/${created.body.id}/`;
  expect(await auditEventsOf(created)).toEqual([
    { ...event, action: "create", changes: changesOf((after) => ({ before: null, after })) },
  ]);
  expect(await auditEventsOf(await (await newAccount(api)).patch(path, { lastname: "Cuddy" }))).toMatchObject(
    [{ action: "update", outcome: "refused", doctor_id: created.body.id, changes: null }],
  );
  expect(await auditEventsOf(await nurse.delete(path))).toEqual([
    { ...event, action: "delete", changes: changesOf((before) => ({ before, after: null })) },
  ]);
  await assignDoctor(nurse, { doctor: await postDoctor(nurse) });
  expect(await auditEventsOf(await nurse.get("/api/doctors/"))).toEqual([]);
});

describe("authentication", () => {
  const tryPassword = (username: string, password: string) =>
    api.post("/api/auth/login/", { username, password });

  test("audits registrations and logins, these with their session", async () => {
    const { id, username } = await signUp(api);
    const actor = { account_id: id, username, role: "clinician" };
    const answer = await tryPassword(username, PASSWORD);
    const sessions = await asOwner`SELECT id FROM sessions WHERE user_id = ${id} ORDER BY created_at DESC`;
    expect(await auditEventsOf(answer)).toEqual([
      { ...blank, ...actor, session_id: sessions[0]?.["id"], action: "login" },
    ]);
    expect(
      await asOwner`SELECT outcome FROM audit_events WHERE account_id = ${id} AND action = 'register'`,
    ).toEqual([{ outcome: "done" }]);
  });

  test("audits a failed login with its account if there is one, and never the username that was sent", async () => {
    const { id, username } = await signUp(api);
    const wrong = await auditEventsOf(await tryPassword(username, "not the password"));
    const refused = { ...blank, action: "login", outcome: "refused" };
    expect(wrong).toEqual([{ ...refused, account_id: id, username, role: "clinician" }]);
    await asOwner`UPDATE users SET active = false WHERE id = ${id}`;
    expect(await auditEventsOf(await tryPassword(username, PASSWORD))).toEqual(wrong);
    expect(await auditEventsOf(await tryPassword(uniqueName("nobody-"), PASSWORD))).toEqual([
      { ...refused, account_id: null, username: null, role: null },
    ]);
  });

  test("audits no password, no token and no hash", async () => {
    const { id, username, token, refresh } = await signUp(api);
    const { sid } = JSON.parse(atob(token.split(".")[1] ?? ""));
    await tryPassword(username, "a wrong one, and known");
    await api.post("/api/auth/refresh/", { refresh });
    await moveSpentTime(refresh, 31);
    await api.post("/api/auth/refresh/", { refresh });
    await logIn(api, username);
    const events =
      await asOwner`SELECT to_jsonb(e)::text AS event FROM audit_events e WHERE account_id = ${id}`;
    const hashes = await asOwner`
      SELECT password_hash, array_agg(token_hash) AS spent FROM users u
      JOIN sessions s ON s.user_id = u.id JOIN refresh_tokens t ON t.session_id = s.id WHERE u.id = ${id} GROUP BY 1`;
    const text = events.map(({ event }) => event).join();
    expect([events.length, text.includes(sid)]).toEqual([5, true]);
    const secrets = [
      PASSWORD,
      "a wrong one",
      token,
      refresh,
      hashes[0]?.["password_hash"],
      ...(hashes[0]?.["spent"] ?? []),
    ];
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
    expect(secrets.length).toBeGreaterThanOrEqual(7);
  });

  test("audits a repeated refresh, and a refused one with a known token, and no other refresh", async () => {
    const account = await newAccount(api);
    const refresh = await insertRefreshToken(account);
    const exchange = (token: string) => api.post("/api/auth/refresh/", { refresh: token });
    const event = { ...blank, ...actorColumns(account), session_id: expect.any(String) };
    expect(await auditEventsOf(await exchange(refresh))).toEqual([]);
    const elsewhere = connectApi();
    const repeated = await elsewhere.post("/api/auth/refresh/", { refresh });
    expect(await auditEventsOf(repeated)).toEqual([
      { ...event, action: "repeat_refresh", address: elsewhere.address },
    ]);
    await moveSpentTime(refresh, 31);
    const refused = { ...event, action: "refresh", outcome: "refused" };
    expect(await auditEventsOf(await exchange(refresh))).toEqual([
      { ...refused, reason: "used again: the session has ended" },
    ]);
    expect(await auditEventsOf(await exchange(refresh))).toEqual([refused]);
    expect(await auditEventsOf(await exchange("unknown"))).toEqual([]);
  });
});
