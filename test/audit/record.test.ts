import { describe, expect, test } from "vitest";
import { requests } from "../requests.ts";
import { type Account, newAccount, newRefreshToken, PASSWORD, signUp, unique } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { asOwner, owner } from "../support/owner.ts";
import { recordOf } from "../support/record.ts";
import { assign, createDoctor, createPatient, newDoctor, newPatient } from "../support/records.ts";
import { type RouteRequest, type Subject, send } from "../support/route-requests.ts";

const api = connectApi();
const nurse = await newAccount(api);
const recorded = requests.filter((request) => request.recorded);
const guarded = recorded.filter(({ access }) => access !== "open");
const about = async ({ subject }: RouteRequest, account: Account): Promise<Subject> =>
  (await subject?.(account)) ?? {};

/** What an event says when nothing else is to be said. */
const blank = {
  session_id: null,
  outcome: "done",
  patients: null,
  doctor_id: null,
  subject_id: null,
  address: api.address,
  changes: null,
  reason: null,
};
const whoIs = ({ id, sid, username }: Account, role = "clinician") => ({
  account_id: id,
  session_id: sid,
  username,
  role,
});

describe.each(requests)("$route", (request) => {
  test(`is on record ${request.recorded ? `once, as ${request.recorded}` : "nowhere"}`, async () => {
    const account = await newAccount(api, request.as);
    const answer = await send(account, request, await about(request, account));
    const action = { action: request.recorded, outcome: "done", address: api.address };
    const who = request.access === "open" ? {} : whoIs(account, request.as);
    expect(await recordOf(answer)).toEqual(
      request.recorded ? [expect.objectContaining({ ...action, ...who })] : [],
    );
  });

  test("is not on record when the database fails", async () => {
    const account = await newAccount(undefined, request.as);
    const sent = await about(request, account);
    await account.api.disturbDatabase({ fault: "error-500" });
    expect(await recordOf(await send(account, request, sent))).toEqual([]);
  });
});

test.each(guarded)("$route of another account is on record as what came of it", async (request) => {
  const sent = await about(request, await newAccount(api, request.as));
  const answer = await send(nurse, request, sent);
  const outcome = { 2: "done", 3: "done" }[String(answer.status)[0] as "2"] ?? outcomes[answer.status];
  expect(await recordOf(answer)).toEqual([
    expect.objectContaining({ action: request.recorded, outcome, ...whoIs(nurse) }),
  ]);
});
const outcomes: Record<number, string> = { 400: "not_found", 403: "refused", 404: "not_found" };

test.each(guarded)("$route by a revoked token is not done, and on record as refused", async (request) => {
  const account = await newAccount(api, request.as);
  const sent = await about(request, account);
  await asOwner`UPDATE users SET active = false WHERE id = ${account.id}`;
  expect(await recordOf(await send(account, request, sent))).toEqual([
    expect.objectContaining({
      action: request.recorded,
      outcome: "refused",
      ...whoIs(account, request.as),
      changes: null,
    }),
  ]);
});

describe("what is on record of a patient:", () => {
  const of = (id: number) => ({ ...blank, ...whoIs(nurse), patients: [id] });

  test("who reads it, also when it is another's, or is not there", async () => {
    const own = await createPatient(nurse);
    const others = await createPatient(await newAccount(api));
    for (const [id, outcome] of [
      [own.id, "done"],
      [others.id, "not_found"],
      [2_147_483_647, "not_found"],
    ] as const)
      expect(await recordOf(await nurse.get(`/api/patients/${id}/`))).toEqual([
        { ...of(id), action: "read", outcome },
      ]);
  });

  test("a reading that sends nothing, for the client has it", async () => {
    const { id } = await createPatient(nurse);
    const { headers } = await nurse.get(`/api/patients/${id}/`);
    const match = { "If-None-Match": headers.get("ETag") ?? "" };
    const answer = await nurse.get(`/api/patients/${id}/`, { headers: match });
    expect(answer.status).toBe(304);
    expect(await recordOf(answer)).toEqual([{ ...of(id), action: "read" }]);
  });

  test("all fields of a new one, and those that a change changes, before and after", async () => {
    const sent = newPatient();
    const created = await nurse.post("/api/patients/", sent);
    const { id } = created.body;
    const all = Object.entries(sent).map(([field, after]) => [field, { before: null, after }]);
    expect(await recordOf(created)).toEqual([
      { ...of(id), action: "create", changes: Object.fromEntries(all) },
    ]);
    const changed = await nurse.patch(`/api/patients/${id}/`, { ...sent, age: 37, lastname: 'O"Neil' });
    const changes = { lastname: { before: "Lovelace", after: 'O"Neil' }, age: { before: 36, after: 37 } };
    expect(await recordOf(changed)).toEqual([{ ...of(id), action: "update", changes }]);
    const same = await nurse.patch(`/api/patients/${id}/`, { age: 37 });
    expect(await recordOf(same)).toEqual([{ ...of(id), action: "update", changes: null }]);
  });

  test("a change that If-Match forbids, without what it would have changed", async () => {
    const { id } = await createPatient(nurse);
    const headers = { "If-Match": '"7"' };
    const refused = { ...of(id), outcome: "refused" };
    const change = await nurse.patch(`/api/patients/${id}/`, { age: 1 }, { headers });
    expect(await recordOf(change)).toEqual([{ ...refused, action: "update" }]);
    const deletion = await nurse.delete(`/api/patients/${id}/`, { headers });
    expect(await recordOf(deletion)).toEqual([{ ...refused, action: "delete" }]);
  });

  test("what was not made, for its email is taken, is not", async () => {
    const { email } = await createPatient(nurse);
    const answer = await nurse.post("/api/patients/", newPatient({ email }));
    expect([answer.status, await recordOf(answer)]).toEqual([409, []]);
  });

  test("every page of a list or an export names all of its own", async () => {
    const account = await newAccount(api);
    const ids: number[] = [];
    for (let n = 0; n < 3; n += 1) ids.push((await createPatient(account)).id);
    const list = await account.get("/api/patients/?limit=2");
    expect(await recordOf(list)).toEqual([
      { ...blank, ...whoIs(account), action: "list", patients: ids.slice(0, 2) },
    ]);
    const whole = await account.get("/api/patients/export/");
    expect(await recordOf(whole)).toEqual([{ ...blank, ...whoIs(account), action: "export", patients: ids }]);
  });

  test("its assignments, with the doctor before and after, and who looks at them", async () => {
    const [patient, doctor] = [await createPatient(nurse), await createDoctor(nurse)];
    const assigned = await nurse.post("/api/mappings/", { patient: patient.id, doctor: doctor.id });
    const changes = (before: number | null, after: number | null) => ({ doctor: { before, after } });
    const one = of(patient.id);
    expect(await recordOf(assigned)).toEqual([
      { ...one, action: "assign", changes: changes(null, doctor.id) },
    ]);
    expect(await recordOf(await nurse.get(`/api/mappings/?patient=${patient.id}`))).toEqual([
      { ...one, action: "list" },
    ]);
    expect(await recordOf(await nurse.get(`/api/doctors/?patient=${patient.id}`))).toEqual([
      { ...one, action: "list" },
    ]);
    const stranger = await newAccount(api);
    for (const account of [stranger, nurse]) {
      const ended = await account.delete(`/api/mappings/${assigned.body.id}/`);
      const done = account === nurse;
      expect(await recordOf(ended)).toEqual([
        {
          ...one,
          ...whoIs(account),
          action: "unassign",
          outcome: done ? "done" : "not_found",
          changes: done ? changes(doctor.id, null) : null,
        },
      ]);
    }
  });

  test("an assignment that is not made, for the patient or the doctor is not there", async () => {
    const patient = (await createPatient(nurse)).id;
    const doctor = (await createDoctor(nurse)).id;
    const others = (await createPatient(await newAccount(api))).id;
    const none = 2_147_483_647;
    for (const [body, outcome] of [
      [{ patient, doctor: none }, "refused"],
      [{ patient: others, doctor }, "not_found"],
    ] as const)
      expect(await recordOf(await nurse.post("/api/mappings/", body))).toEqual([
        { ...of(body.patient), action: "assign", outcome },
      ]);
  });

  test("an import names those that it made, and none when it is refused", async () => {
    const file = (...records: object[]) => ({
      raw: records.map((one) => JSON.stringify(one)).join("\n"),
      headers: { "Content-Type": "application/x-ndjson" },
    });
    const [one, two] = [newPatient(), newPatient()];
    const made = await nurse.post("/api/patients/import/", undefined, file(one, two));
    const ids = made.body.created.map(({ id }: { id: number }) => id);
    expect(await recordOf(made)).toEqual([{ ...blank, ...whoIs(nurse), action: "import", patients: ids }]);
    const refused = await nurse.post("/api/patients/import/", undefined, file(newPatient(), one));
    expect(refused.status).toBe(400);
    expect(await recordOf(refused)).toEqual([
      { ...blank, ...whoIs(nurse), action: "import", outcome: "refused", patients: [] },
    ]);
  });
});

describe("an answer that is given again is on record as a replay:", () => {
  const file = { raw: JSON.stringify(newPatient()), headers: { "Content-Type": "application/x-ndjson" } };
  test.each<[what: string, send: (headers: Record<string, string>) => ReturnType<typeof nurse.post>]>([
    ["of a patient", (headers) => nurse.post("/api/patients/", patient, { headers })],
    ["of a doctor", (headers) => nurse.post("/api/doctors/", doctor, { headers })],
    ["of an assignment", async (headers) => nurse.post("/api/mappings/", await assignment, { headers })],
    [
      "of an import",
      (headers) =>
        nurse.post("/api/patients/import/", undefined, { ...file, headers: { ...file.headers, ...headers } }),
    ],
  ])("%s", async (_, make) => {
    const headers = { "Idempotency-Key": unique("key-") };
    const [first] = await recordOf(await make(headers));
    const again = await recordOf(await make(headers));
    expect(first).toMatchObject({ outcome: "done" });
    expect(again).toEqual([{ ...first, action: "replay", changes: null }]);
  });
  const [patient, doctor] = [newPatient(), newDoctor()];
  const assignment = Promise.all([createPatient(nurse), createDoctor(nurse)]).then(([one, other]) => ({
    patient: one.id,
    doctor: other.id,
  }));

  test("a key that came with another request before is refused, and names nobody", async () => {
    const headers = { "Idempotency-Key": unique("key-") };
    await nurse.post("/api/patients/", newPatient(), { headers });
    const answer = await nurse.post("/api/patients/", newPatient(), { headers });
    expect(answer.status).toBe(422);
    expect(await recordOf(answer)).toEqual([
      { ...blank, ...whoIs(nurse), action: "create", outcome: "refused", patients: [] },
    ]);
  });
});

test("what happens to a doctor is on record, and who reads the directory is not", async () => {
  const sent = newDoctor({ max_appointments_per_day: 7 });
  const created = await nurse.post("/api/doctors/", sent);
  const of = { ...blank, ...whoIs(nurse), doctor_id: created.body.id };
  const all = (pair: (value: unknown) => object) =>
    Object.fromEntries(Object.entries(sent).map(([field, value]) => [field, pair(value)]));
  const path = `/api/doctors/${created.body.id}/`;
  expect(await recordOf(created)).toEqual([
    { ...of, action: "create", changes: all((after) => ({ before: null, after })) },
  ]);
  expect(await recordOf(await (await newAccount(api)).patch(path, { lastname: "Cuddy" }))).toMatchObject([
    { action: "update", outcome: "refused", doctor_id: created.body.id, changes: null },
  ]);
  expect(await recordOf(await nurse.delete(path))).toEqual([
    { ...of, action: "delete", changes: all((before) => ({ before, after: null })) },
  ]);
  await assign(nurse, { doctor: await createDoctor(nurse) });
  expect(await recordOf(await nurse.get("/api/doctors/"))).toEqual([]);
});

describe("of those who come and go:", () => {
  const tryPassword = (username: string, password: string) =>
    api.post("/api/auth/login/", { username, password });

  test("registering and logging in, with the session", async () => {
    const { id, username } = await signUp(api);
    const who = { account_id: id, username, role: "clinician" };
    const answer = await tryPassword(username, PASSWORD);
    const sessions = await asOwner`SELECT id FROM sessions WHERE user_id = ${id} ORDER BY created_at DESC`;
    expect(await recordOf(answer)).toEqual([
      { ...blank, ...who, session_id: sessions[0]?.["id"], action: "login" },
    ]);
    expect(
      await asOwner`SELECT outcome FROM audit_events WHERE account_id = ${id} AND action = 'register'`,
    ).toEqual([{ outcome: "done" }]);
  });

  test("whoever is not let in: its account, if there is one, and never a password or a name that nobody has", async () => {
    const { id, username } = await signUp(api);
    const wrong = await recordOf(await tryPassword(username, "not the password"));
    const refused = { ...blank, action: "login", outcome: "refused" };
    expect(wrong).toEqual([{ ...refused, account_id: id, username, role: "clinician" }]);
    await asOwner`UPDATE users SET active = false WHERE id = ${id}`;
    expect(await recordOf(await tryPassword(username, PASSWORD))).toEqual(wrong);
    expect(await recordOf(await tryPassword(unique("nobody-"), PASSWORD))).toEqual([
      { ...refused, account_id: null, username: null, role: null },
    ]);
  });

  test("a refresh token that was spent, and neither one that is good nor one that never was", async () => {
    const account = await newAccount(api);
    const refresh = await newRefreshToken(account);
    const exchange = (token: string) => api.post("/api/auth/refresh/", { refresh: token });
    expect(await recordOf(await exchange(refresh))).toEqual([]);
    const { session_id, ...who } = whoIs(account);
    expect(await recordOf(await exchange(refresh))).toEqual([
      { ...blank, ...who, session_id: expect.any(String), action: "refresh", outcome: "refused" },
    ]);
    expect(await recordOf(await exchange("never"))).toEqual([]);
  });
});

test("nothing is done that cannot be put on record", async () => {
  const { id } = await createPatient(nurse);
  const refuse = `ADD CONSTRAINT refused CHECK (account_id <> ${nurse.id}) NOT VALID`;
  await owner().query(`ALTER TABLE audit_events ${refuse}`);
  try {
    expect((await nurse.get(`/api/patients/${id}/`)).status).toBe(500);
    expect((await nurse.patch(`/api/patients/${id}/`, { age: 99 })).status).toBe(500);
  } finally {
    await owner().query(`ALTER TABLE audit_events DROP CONSTRAINT refused`);
  }
  expect((await nurse.get(`/api/patients/${id}/`)).body).toMatchObject({ age: 36 });
});
