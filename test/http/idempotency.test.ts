import { createExecutionContext } from "cloudflare:test";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import worker from "../../src/index.ts";
import { newAccount, type TestAccount, uniqueName } from "../support/accounts.ts";
import type { ApiResponse } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { asOwner, owner } from "../support/owner.ts";
import { linkDoctor, patientPath, postRestore, postTransfer } from "../support/ownership.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { atOnce, CROWD, rounds, tally } from "../support/races.ts";
import { newDoctor, newPatient, postDoctor, postPatient } from "../support/resources.ts";

const withKey = (key: string) => ({ headers: { "Idempotency-Key": key } });
const replayHeader = ({ headers }: ApiResponse) => headers.get("Idempotency-Replayed");

const unreadable = problem(
  409,
  "An earlier request with this Idempotency-Key created this, but you cannot read it any more. Nothing was created now.",
);

const newAssignment = async (account: TestAccount): Promise<object> => ({
  patient: (await postPatient(account)).id,
  doctor: (await postDoctor(account)).id,
});

/** What can be created with a key, and a valid body for each, another one every time. */
const kinds = [
  { kind: "patients", newBody: async () => newPatient() as object },
  { kind: "doctors", newBody: async () => newDoctor() as object },
  { kind: "mappings", newBody: newAssignment },
];
const countRecords = async (kind: string, { id }: { id: number }) => {
  const column = kind === "mappings" ? "owner_id" : "created_by";
  const rows = await owner().query(`SELECT id FROM ${kind} WHERE ${column} = $1`, [id]);
  return rows.length;
};

describe.each(kinds)("POST of $kind with an Idempotency-Key:", ({ kind, newBody }) => {
  const path = `/api/${kind}/`;

  test("the same request again gets the first answer, byte for byte, in one database request, and creates nothing", async () => {
    const account = await newAccount();
    const [sent, options] = [await newBody(account), withKey(uniqueName("key-"))];
    await account.api.databaseRequests();
    const first = await account.post(path, sent, options);
    expect([first.status, replayHeader(first)]).toEqual([201, null]);
    expect(await account.api.databaseRequests()).toBe(1);
    const reordered = Object.fromEntries(Object.entries(sent).reverse());
    for (const body of [sent, reordered]) {
      const replay = await account.post(path, body, options);
      expect([replay.status, replay.body, replayHeader(replay)]).toEqual([201, first.body, "true"]);
      for (const name of ["Location", "ETag"]) expect(replay.headers.get(name)).toBe(first.headers.get(name));
    }
    expect(await account.api.databaseRequests()).toBe(2);
    expect(await countRecords(kind, account)).toBe(1);
  });

  test("the same request after the record was deleted gets 409 in one database request, and creates nothing", async () => {
    const account = await newAccount();
    const [sent, options] = [await newBody(account), withKey(uniqueName("key-"))];
    const { id } = (await account.post(path, sent, options)).body;
    await account.delete(`${path}${id}/`);
    const before = await countRecords(kind, account);
    await account.api.databaseRequests();
    const replay = await account.post(path, sent, options);
    expect(replay).toEqual(unreadable);
    expect(replay.headers.get("Location")).toBeNull();
    expect(await account.api.databaseRequests()).toBe(1);
    expect(await countRecords(kind, account)).toBe(before);
    expect(await auditEventsOf(replay)).toMatchObject([
      { action: "replay", outcome: "refused", changes: null },
    ]);
    // A different request with this key is still the client's mistake.
    expect((await account.post(path, await newBody(account), options)).status).toBe(422);
  });

  test("another body with the same key gets 422 and creates nothing", async () => {
    const account = await newAccount();
    const options = withKey(uniqueName("key-"));
    await account.post(path, await newBody(account), options);
    const before = await countRecords(kind, account);
    const keyReused = problem(422, "This Idempotency-Key was already used for a different request.");
    expect(await account.post(path, await newBody(account), options)).toEqual(keyReused);
    expect(await countRecords(kind, account)).toBe(before);
  });

  test.each(rounds(3))(
    "20 simultaneous requests create one record and get the same answer, round %i",
    async () => {
      const account = await newAccount();
      const [sent, options] = [await newBody(account), withKey(uniqueName("key-"))];
      const answers = await atOnce(CROWD, () => account.post(path, sent, options));
      expect(tally(answers)).toEqual({ 201: CROWD });
      expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
      expect(answers.filter((answer) => replayHeader(answer) === null)).toHaveLength(1);
      expect(await countRecords(kind, account)).toBe(1);
    },
  );

  test("a request whose answer was lost after the commit is replayed", async () => {
    const account = await newAccount();
    const [sent, options] = [await newBody(account), withKey(uniqueName("key-"))];
    // The API sends the statement twice; both answers are lost.
    await account.api.disturbDatabase({ fault: "drop-after", times: 2 });
    expect((await account.post(path, sent, options)).status).toBe(503);
    const replay = await account.post(path, sent, options);
    expect([replay.status, replayHeader(replay), await countRecords(kind, account)]).toEqual([
      201,
      "true",
      1,
    ]);
  });
});

describe("The answer to an idempotency key is given only to who may read what was created:", () => {
  const transferAway = async (patient: { id: number }) => {
    const [admin, to] = [await newAccount(undefined, "admin"), await newAccount()];
    expect((await postTransfer(admin, patient, to)).status).toBe(200);
    return to;
  };

  test("a patient that was changed gets the first answer; one that was transferred 409; one that came back the first again", async () => {
    const nurse = await newAccount();
    const sent = newPatient();
    const post = () => nurse.post("/api/patients/", sent, withKey("one"));
    const first = await post();
    await nurse.patch(patientPath(first.body), { age: 99 });
    expect((await post()).body).toEqual(first.body);
    const to = await transferAway(first.body);
    const replay = await post();
    expect(replay).toEqual(unreadable);
    // The new owner sees the attempt.
    const accesses = await to.get(`${patientPath(first.body)}accesses/`);
    expect(accesses.body).toContainEqual(
      expect.objectContaining({
        action: "replay",
        outcome: "refused",
        account: expect.objectContaining({ username: nurse.username }),
      }),
    );
    await postTransfer(await newAccount(undefined, "admin"), first.body, nurse);
    expect([(await post()).body, replayHeader(await post())]).toEqual([first.body, "true"]);
  });

  test("a patient that was deleted and restored gets the first answer again", async () => {
    const nurse = await newAccount();
    const sent = newPatient();
    const first = await nurse.post("/api/patients/", sent, withKey("one"));
    await nurse.delete(patientPath(first.body));
    expect(await nurse.post("/api/patients/", sent, withKey("one"))).toEqual(unreadable);
    await postRestore(nurse, first.body);
    expect((await nurse.post("/api/patients/", sent, withKey("one"))).body).toEqual(first.body);
  });

  test("a former owner who is the patient's doctor still gets it, and the assignment's", async () => {
    const nurse = await newAccount();
    const doctor = await postDoctor(nurse);
    await linkDoctor(nurse, doctor);
    const sent = newPatient();
    const first = await nurse.post("/api/patients/", sent, withKey("patient"));
    const ids = { patient: first.body.id, doctor: doctor.id };
    const assignment = await nurse.post("/api/mappings/", ids, withKey("assignment"));
    await transferAway(first.body);
    const both = async () => [
      await nurse.post("/api/patients/", sent, withKey("patient")),
      await nurse.post("/api/mappings/", ids, withKey("assignment")),
    ];
    expect((await both()).map(({ body }) => body)).toEqual([first.body, assignment.body]);
    await linkDoctor(nurse, null);
    expect(await both()).toEqual([unreadable, unreadable]);
  });

  test("an assignment of a patient that was transferred or deleted gets 409", async () => {
    const nurse = await newAccount();
    const ids = (await newAssignment(nurse)) as { patient: number };
    const post = () => nurse.post("/api/mappings/", ids, withKey("one"));
    expect((await post()).status).toBe(201);
    await nurse.delete(patientPath({ id: ids.patient }));
    expect(await post()).toEqual(unreadable);
    await postRestore(nurse, { id: ids.patient });
    expect((await post()).status).toBe(201);
    await transferAway({ id: ids.patient });
    expect(await post()).toEqual(unreadable);
  });

  test.each(["", "?partial=true"])(
    "an import%s of which one patient was transferred or deleted gets 409",
    async (query) => {
      const nurse = await newAccount();
      const raw = [newPatient(), newPatient()].map((line) => JSON.stringify(line)).join("\n");
      const headers = { "Content-Type": "application/x-ndjson", "Idempotency-Key": "one" };
      const post = () => nurse.post(`/api/patients/import/${query}`, undefined, { raw, headers });
      const first = await post();
      const [kept, other] = first.body.created;
      await nurse.delete(patientPath(other));
      const replay = await post();
      expect(replay).toEqual(unreadable);
      expect(await auditEventsOf(replay)).toMatchObject([
        { action: "replay", outcome: "refused", patients: [kept.id, other.id] },
      ]);
      await postRestore(nurse, other);
      expect((await post()).body).toEqual(first.body);
      await transferAway(kept);
      expect(await post()).toEqual(unreadable);
      expect(await asOwner`SELECT FROM patients WHERE created_by = ${nurse.id}`).toHaveLength(2);
    },
  );
});

test("an answer that was stored before records had a version is sent again as it was", async () => {
  const account = await newAccount();
  const [sent, key] = [newPatient(), uniqueName("key-")];
  const { version, ...stored } = (await account.post("/api/patients/", sent, withKey(key))).body;
  expect(version).toBe(1);
  await asOwner`UPDATE idempotency_keys SET answer = ${JSON.stringify(stored)} WHERE account_id = ${account.id}`;
  // Sent to the Worker itself: the answer lacks a field that the OpenAPI document requires of newer ones.
  const headers = { Authorization: `Bearer ${account.token}`, "Content-Type": "application/json" };
  const replay = await worker.fetch(
    new Request("https://api.test/api/patients/", {
      method: "POST",
      headers: { ...headers, "Idempotency-Key": key },
      body: JSON.stringify(sent),
    }),
    account.api.bindings,
    createExecutionContext(),
  );
  expect([replay.status, await replay.json(), replay.headers.get("ETag")]).toEqual([201, stored, '"1.36"']);
});

test("a refused creation does not use up its key", async () => {
  const account = await newAccount();
  const [sent, options] = [newPatient(), withKey("one")];
  const { id } = await postPatient(account, { email: sent.email });
  expect(await account.post("/api/patients/", sent, options)).toMatchObject({ status: 409 });
  await account.delete(`/api/patients/${id}/`);
  expect((await account.post("/api/patients/", sent, options)).status).toBe(201);
  const assignment = { patient: id, doctor: (await postDoctor(account)).id };
  expect(await account.post("/api/mappings/", assignment, withKey("two"))).toEqual(fieldProblem("patient"));
  expect(await asOwner`SELECT key FROM idempotency_keys WHERE account_id = ${account.id}`).toEqual([
    { key: "one" },
  ]);
});

test("two accounts may use the same key; one account may not use it for two kinds of records", async () => {
  const [nurse, other] = [await newAccount(), await newAccount()];
  const options = withKey("the-same");
  const answers = [
    await nurse.post("/api/patients/", newPatient(), options),
    await other.post("/api/patients/", newPatient(), options),
    await nurse.post("/api/doctors/", newDoctor(), options),
  ];
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 422]);
});

test("a disabled account gets 401 and no stored answer", async () => {
  const account = await newAccount();
  const sent = newPatient();
  await account.post("/api/patients/", sent, withKey("one"));
  await asOwner`UPDATE users SET active = false WHERE id = ${account.id}`;
  expect((await account.post("/api/patients/", sent, withKey("one"))).status).toBe(401);
});

test("a key has 1 to 255 visible ASCII characters; any other gets 400 without a database request", async () => {
  const account = await newAccount();
  const post = (key: string) => account.post("/api/patients/", newPatient(), withKey(key));
  for (const key of ["!", "~".repeat(255), '"8e03978e-40d5-43dd-bc93-6894a57f9324"'])
    expect((await post(key)).status).toBe(201);
  await account.api.databaseRequests();
  for (const key of ["", " ", "a b", "a\tb", "\u00e9", "x".repeat(256)])
    expect([key, await post(key)]).toEqual([key, fieldProblem("Idempotency-Key")]);
  expect(await account.api.databaseRequests()).toBe(0);
});

/**
 * Lets 30 % of all deadlines pass within 20 ms: before a statement is run, meanwhile, or before its answer comes. No
 * retry waits.
 */
function shortenDeadlinesAtRandom() {
  const { timeout } = AbortSignal;
  const deadlines = vi
    .spyOn(AbortSignal, "timeout")
    .mockImplementation((ms) => timeout(Math.random() < 0.3 ? 20 * Math.random() : ms));
  const pauses = vi.spyOn(scheduler, "wait").mockResolvedValue(undefined);
  onTestFinished(() => {
    deadlines.mockRestore();
    pauses.mockRestore();
  });
}

test("200 creations, each sent until it gets 201 while the database fails at random, create 200 records", async () => {
  const account = await newAccount();
  shortenDeadlinesAtRandom();
  const sent = Array.from({ length: 200 }, () => newPatient());
  let unavailable = 0;
  const createUntilAcknowledged = async (index: number) => {
    for (;;) {
      const answer = await account.post("/api/patients/", sent[index], withKey(`creation-${index}`));
      if (answer.status === 201) return answer.body;
      expect(answer.status).toBe(503);
      unavailable += 1;
    }
  };
  const created: { id: number; email: string }[] = [];
  for (const [batch, fault] of ["refuse", "drop-before", "drop-after", "error-500", "truncate"].entries()) {
    await account.api.disturbDatabase({ fault, share: 0.4 });
    created.push(...(await atOnce(40, (index) => createUntilAcknowledged(batch * 40 + index))));
  }
  // At least 40 % of the attempts fail, and the API has two: at least 38 answers are to be expected.
  expect(unavailable).toBeGreaterThan(10);
  const stored = await asOwner`SELECT id, email FROM patients WHERE created_by = ${account.id} ORDER BY id`;
  expect(stored).toEqual(created.map(({ id, email }) => ({ id, email })).sort((a, b) => a.id - b.id));
  expect(stored.map(({ email }) => email).sort()).toEqual(sent.map(({ email }) => email).sort());
});
