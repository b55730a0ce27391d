import { beforeEach, expect, type MockInstance, onTestFinished, test, vi } from "vitest";
import { logIn, newAccount, signUp, uniqueName } from "../support/accounts.ts";
import { type Api, type ApiResponse, connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { watchConsole } from "../support/console.ts";
import { asOwner, owner } from "../support/owner.ts";
import { insertRecords } from "../support/pages.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { newPatient } from "../support/resources.ts";
import { workerDatabase } from "../support/worker-database.ts";

const account = await newAccount();
const { databaseUrl, ownerUrl, endpointOrigin } = workerDatabase;

/** The API with database faults of its own, called by the account that all tests here share. */
function connectFaultyApi(bindings = {}) {
  const api = connectApi(bindings);
  const options = { token: account.token };
  return {
    ...api,
    read: () => api.get("/api/patients/?limit=1", options),
    write: (patient = newPatient()) => api.post("/api/patients/", patient, options),
  };
}

/** The pauses before a second attempt, in milliseconds. None is waited for. */
let pauses: MockInstance<typeof scheduler.wait>;
beforeEach(() => {
  pauses = vi.spyOn(scheduler, "wait").mockResolvedValue(undefined);
  return () => pauses.mockRestore();
});

/** How many requests the local endpoint got from an API. Unlike `databaseRequests` it is read without being reset. */
async function countReceived({ bindings }: Pick<Api, "bindings">): Promise<number> {
  const channel = bindings.DATABASE_ENDPOINT.replace(/\/sql$/, "");
  const { requests } = await (await fetch(channel)).json<{ requests: number }>();
  return requests;
}

/**
 * Lets the endpoint fail for `times` requests. Where it hangs, the deadline of each of them passes as soon as the
 * endpoint has the request, and no other deadline passes: so nothing is waited for, and a slow machine is not too
 * late.
 */
async function failBy(fault: string, times: number, api: Pick<Api, "bindings" | "disturbDatabase">) {
  await api.disturbDatabase({ fault, times });
  if (fault !== "hang") return;
  const received = await countReceived(api);
  let sent = 0;
  const deadlines = vi.spyOn(AbortSignal, "timeout").mockImplementation(() => {
    const deadline = new AbortController();
    sent += 1;
    const expected = received + sent;
    if (sent <= times) void abortOnce(deadline, async () => (await countReceived(api)) >= expected);
    return deadline.signal;
  });
  onTestFinished(() => deadlines.mockRestore());
}

async function abortOnce(deadline: AbortController, isTime: () => Promise<boolean>): Promise<void> {
  while (!(await isTime()));
  deadline.abort(new DOMException("The deadline has passed.", "TimeoutError"));
}

function expectUnavailable(answer: ApiResponse): void {
  expect(answer).toEqual(problem(503, "The database did not answer."));
  expect(answer.headers.get("Retry-After")).toBe("5");
}

/** What no client and no log may see: values of the request, and where the database is. */
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
])("a read and a write get 503 when the endpoint fails by %s", async (fault, writes) => {
  const api = connectFaultyApi();
  const patient = newPatient({ firstname: uniqueName("Grace"), lastname: uniqueName("Hopper") });
  const printed = watchConsole();
  // The read is tried twice.
  await failBy(fault, 3, api);
  const answers = [await api.read(), await api.write(patient)];
  answers.forEach(expectUnavailable);
  expect(await api.databaseRequests()).toBe(3);
  expect(await asOwner`SELECT id FROM patients WHERE email = ${patient.email}`).toHaveLength(writes);
  const output = printed().join("\n") + JSON.stringify(answers);
  for (const { body } of answers)
    expect(output).toContain(`"${body.request_id}","error":"database unavailable","code":"none"}`);
  for (const secret of secretsOf(patient, databaseUrl)) expect(output).not.toContain(secret);
  expect([(await api.read()).status, (await api.write()).status]).toEqual([200, 201]);
});

const everyFault = ["refuse", "hang", "drop-before", "drop-after", "error-500", "truncate"];

test.each(everyFault)(
  "a read whose first attempt fails by %s is answered by the second and audited once",
  async (fault) => {
    const api = connectFaultyApi();
    for (const read of [api.read, () => api.get("/api/patients/export/", { token: account.token })]) {
      await failBy(fault, 1, api);
      const answer = await read();
      expect([answer.status, await api.databaseRequests()]).toEqual([200, 2]);
      expect(await auditEventsOf(answer)).toMatchObject([{ outcome: "done" }]);
    }
  },
);

test.each(everyFault)(
  "a creation with an Idempotency-Key whose first attempt fails by %s is done once and audited as a creation",
  async (fault) => {
    const api = connectFaultyApi();
    const patient = newPatient();
    await failBy(fault, 1, api);
    const headers = { "Idempotency-Key": uniqueName("key-") };
    const answer = await api.post("/api/patients/", patient, { token: account.token, headers });
    expect([answer.status, await api.databaseRequests()]).toEqual([201, 2]);
    const { id } = answer.body;
    expect(await auditEventsOf(answer)).toMatchObject([
      { action: "create", outcome: "done", patients: [id] },
    ]);
    expect(await asOwner`SELECT id FROM patients WHERE email = ${patient.email}`).toEqual([{ id }]);
  },
);

test("an export whose pages are retried at random audits every page once", async () => {
  const owner = await newAccount();
  const ids = await insertRecords("patients", owner, 2500);
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
  ["a read with two attempts and a pause between them", "read", [450, 450]],
  ["a write with one attempt", "write", [1000]],
] as const)("%s gets 503 within DATABASE_TIMEOUT_MS when nothing answers", async (_, kind, attempts) => {
  const api = connectFaultyApi({ DATABASE_TIMEOUT_MS: 1000 });
  await api.disturbDatabase({ fault: "hang" });
  // The real deadlines, a hundred times shorter.
  const { timeout } = AbortSignal;
  const deadlines = vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => timeout(ms / 100));
  onTestFinished(() => deadlines.mockRestore());
  expectUnavailable(await api[kind]());
  expect(deadlines.mock.calls.flat()).toEqual(attempts);
  expect(pauses).toHaveBeenCalledTimes(attempts.length - 1);
  for (const [pause] of pauses.mock.calls) expect(pause).toSatisfy((ms) => ms >= 0 && ms <= 100);
});

test("the pause before a second attempt is at most 150 ms", async () => {
  const api = connectFaultyApi();
  const random = vi.spyOn(Math, "random").mockReturnValue(1);
  onTestFinished(() => random.mockRestore());
  await api.disturbDatabase({ fault: "error-500", times: 1 });
  expect((await api.read()).status).toBe(200);
  expect(pauses.mock.calls).toEqual([[150]]);
});

test.each([
  ["40001 40P01", 409, undefined],
  ["08000 08006 08P01 25006 28000 28P01 3D000 53100 53300 57014 57P01 57P03 58000 58030", 503, "unavailable"],
  ["0A000 22008 22P02 25001 42P01 XX000", 500, "refused a statement"],
] as const)("each SQLSTATE of %s gives %i", async (codes, status, fault) => {
  const api = connectFaultyApi();
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

test("a value that only a constraint of the table refuses gets 400 with its field", async () => {
  const marked = newPatient({ firstname: uniqueName("Marked") });
  const check = `CHECK (firstname <> '${marked.firstname}')`;
  await owner().query(`ALTER TABLE patients ADD CONSTRAINT patients_nickname_check ${check}`);
  try {
    const answer = await connectFaultyApi().write(marked);
    expect(answer).toEqual(fieldProblem("nickname"));
    expect(answer.body.errors).toEqual({ nickname: ["Not valid"] });
  } finally {
    await asOwner`ALTER TABLE patients DROP CONSTRAINT patients_nickname_check`;
  }
});

test("a DATABASE_URL with a wrong password gives 503 and appears in no answer and no log", async () => {
  // The owner's, whose password the local endpoint checks even where the server trusts everybody.
  const url = Object.assign(new URL(ownerUrl), { password: "not-the-real-password" }).href;
  const printed = watchConsole();
  const patient = newPatient();
  const answer = await connectFaultyApi({ DATABASE_URL: url }).write(patient);
  expectUnavailable(answer);
  for (const secret of secretsOf(patient, url))
    expect(printed().join("\n") + JSON.stringify(answer)).not.toContain(secret);
});

test("each statement of a request has all of DATABASE_TIMEOUT_MS", async () => {
  const { username } = await signUp();
  const api = connectApi({ DATABASE_TIMEOUT_MS: 1600 });
  const deadlines = vi.spyOn(AbortSignal, "timeout");
  onTestFinished(() => deadlines.mockRestore());
  await expect(logIn(api, username)).resolves.toHaveProperty("access");
  expect(deadlines.mock.calls).toEqual([[1600], [1600]]);
});
