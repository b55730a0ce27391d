import { expect, test } from "vitest";
import { logIn, newAccount, signUp, unique } from "../support/accounts.ts";
import { type Answer, connectApi } from "../support/api.ts";
import { watchConsole } from "../support/console.ts";
import { asOwner, owner } from "../support/owner.ts";
import { fill } from "../support/pages.ts";
import { problem, refusal } from "../support/problems.ts";
import { recordOf } from "../support/record.ts";
import { newPatient } from "../support/records.ts";
import { workerCloud } from "../support/worker-cloud.ts";

const account = await newAccount();
const { databaseUrl, ownerUrl, endpointOrigin } = workerCloud;

/** The API with a database of its own troubles, called by the account that all tests here share. */
function troubled(bindings = {}) {
  const api = connectApi(bindings);
  const options = { token: account.token };
  return {
    ...api,
    read: () => api.get("/api/patients/?limit=1", options),
    write: (patient = newPatient()) => api.post("/api/patients/", patient, options),
  };
}

function expectUnavailable(answer: Answer): void {
  expect(answer).toEqual(problem(503, "The database did not answer."));
  expect(answer.headers.get("Retry-After")).toBe("5");
}

/** What nobody is told: values of the request, and where the database is. */
const secretsOf = (patient: object, url: string) => {
  const { password, host } = new URL(url);
  const secrets = [...Object.values(patient).map(String), account.token, url, host, endpointOrigin, password];
  return secrets.filter((secret) => secret.length > 8);
};

test.each([
  ["refuse", 0],
  ["hang", 0],
  ["drop-before", 0],
  ["drop-after", 1],
  ["error-500", 0],
  ["truncate", 1],
])("a read and a write are 503 when the endpoint fails by %s", async (fault, runs) => {
  const api = troubled(fault === "hang" ? { DATABASE_TIMEOUT_MS: 500 } : {});
  const patient = newPatient({ firstname: unique("Grace"), lastname: unique("Hopper") });
  const printed = watchConsole();
  // The read is tried twice.
  await api.disturbDatabase({ fault, times: 3 });
  const answers = [await api.read(), await api.write(patient)];
  answers.forEach(expectUnavailable);
  expect(await api.databaseRequests()).toBe(3);
  expect(await asOwner`SELECT id FROM patients WHERE email = ${patient.email}`).toHaveLength(runs);
  const told = printed().join("\n") + JSON.stringify(answers);
  for (const { body } of answers)
    expect(told).toContain(`"${body.request_id}","error":"database unavailable","code":"none"}`);
  for (const secret of secretsOf(patient, databaseUrl)) expect(told).not.toContain(secret);
  expect([(await api.read()).status, (await api.write()).status]).toEqual([200, 201]);
});

const everyFault = ["refuse", "hang", "drop-before", "drop-after", "error-500", "truncate"];

test.each(everyFault)(
  "a read that fails once by %s is done all the same, and once on record",
  async (fault) => {
    const api = troubled({ DATABASE_TIMEOUT_MS: 2000 });
    for (const read of [api.read, () => api.get("/api/patients/export/", { token: account.token })]) {
      await api.disturbDatabase({ fault, times: 1 });
      const answer = await read();
      expect([answer.status, await api.databaseRequests()]).toEqual([200, 2]);
      expect(await recordOf(answer)).toMatchObject([{ outcome: "done" }]);
    }
  },
);

test.each(everyFault)(
  "a creation with a key that fails once by %s is done once, and on record as that",
  async (fault) => {
    const api = troubled({ DATABASE_TIMEOUT_MS: 2000 });
    const patient = newPatient();
    await api.disturbDatabase({ fault, times: 1 });
    const headers = { "Idempotency-Key": unique("key-") };
    const answer = await api.post("/api/patients/", patient, { token: account.token, headers });
    expect([answer.status, await api.databaseRequests()]).toEqual([201, 2]);
    const { id } = answer.body;
    expect(await recordOf(answer)).toMatchObject([{ action: "create", outcome: "done", patients: [id] }]);
    expect(await asOwner`SELECT id FROM patients WHERE email = ${patient.email}`).toEqual([{ id }]);
  },
);

test("every page of an export that is tried again is on record once", async () => {
  const owner = await newAccount(connectApi({ DATABASE_TIMEOUT_MS: 2000 }));
  const ids = await fill("patients", owner, 2500);
  await owner.api.disturbDatabase({ fault: "drop-after", share: 0.5 });
  const answer = await owner
    .get("/api/patients/export/", { headers: { Accept: "text/csv" } })
    .catch(() => null);
  const events = await asOwner`
    SELECT patients FROM audit_events WHERE account_id = ${owner.id} AND action = 'export' ORDER BY id`;
  const named = events.flatMap(({ patients }) => patients);
  expect(named).toEqual(ids.slice(0, named.length));
  if (answer?.status === 200) expect(named).toEqual(ids);
});

test.each([
  ["a read, which is tried twice", "read"],
  ["a write, which is not", "write"],
] as const)("%s is over by the deadline when nothing answers", async (_, kind) => {
  const api = troubled({ DATABASE_TIMEOUT_MS: 1000 });
  await api.disturbDatabase({ fault: "hang" });
  const start = Date.now();
  expectUnavailable(await api[kind]());
  const took = Date.now() - start;
  expect(took).toBeGreaterThan(850);
  expect(took).toBeLessThan(1900);
  expect(await api.databaseRequests()).toBe(kind === "read" ? 2 : 1);
});

test.each([
  ["40001 40P01", 409, undefined],
  ["08000 08006 08P01 25006 28000 28P01 3D000 53100 53300 57014 57P01 57P03 58000 58030", 503, "unavailable"],
  ["0A000 22008 22P02 25001 42501 42P01 XX000", 500, "refused a statement"],
] as const)("SQLSTATE %s is %i", async (codes, status, fault) => {
  const api = troubled();
  for (const code of codes.split(" ")) {
    await api.disturbDatabase({ fault: "sqlstate", code });
    for (const send of [api.read, api.write]) {
      const printed = watchConsole();
      const answer = await send();
      expect([code, answer]).toEqual([code, problem(status)]);
      expect(answer.headers.get("Retry-After")).toBe(status === 503 ? "5" : null);
      const logged = { request_id: answer.body.request_id, error: `database ${fault}`, code };
      expect(printed().slice(0, -1)).toEqual(fault ? [JSON.stringify(logged)] : []);
      expect(answer.body.detail).not.toContain("on purpose");
    }
  }
});

test("a constraint of the table that the contract does not know yet is 400 naming its field", async () => {
  const marked = newPatient({ firstname: unique("Marked") });
  const check = `CHECK (firstname <> '${marked.firstname}')`;
  await owner().query(`ALTER TABLE patients ADD CONSTRAINT patients_nickname_check ${check}`);
  try {
    const answer = await troubled().write(marked);
    expect(answer).toEqual(refusal("nickname"));
    expect(answer.body.errors).toEqual({ nickname: ["Not valid"] });
  } finally {
    await asOwner`ALTER TABLE patients DROP CONSTRAINT patients_nickname_check`;
  }
});

test("a DATABASE_URL that lets nobody in is 503, and nothing of it is told", async () => {
  // The owner's, whose password the local endpoint checks even where the server trusts everybody.
  const url = Object.assign(new URL(ownerUrl), { password: "not-the-real-password" }).href;
  const printed = watchConsole();
  const patient = newPatient();
  const answer = await troubled({ DATABASE_URL: url }).write(patient);
  expectUnavailable(answer);
  for (const secret of secretsOf(patient, url))
    expect(printed().join("\n") + JSON.stringify(answer)).not.toContain(secret);
});

test("each statement has the whole deadline, not all of a request together", async () => {
  const { username } = await signUp();
  const api = connectApi({ DATABASE_TIMEOUT_MS: 1600 });
  await api.disturbDatabase({ delay_ms: 850 });
  await expect(logIn(api, username)).resolves.toHaveProperty("access");
});
