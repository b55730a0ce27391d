import { neonConfig } from "@neondatabase/serverless";
import { expect, onTestFinished, test, vi } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { type ApiResponse, connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { watchConsole } from "../support/console.ts";
import { asOwner, owner } from "../support/owner.ts";
import { problem } from "../support/problems.ts";
import { newPatient, postPatient } from "../support/resources.ts";
import { duringChange, readFunctions, withoutFunctions } from "../support/statement-functions.ts";
import { recordStatements } from "../support/statements.ts";
import { workerDatabase } from "../support/worker-database.ts";

const nurse = await newAccount();
const patient = await postPatient(nurse);
const role = new URL(workerDatabase.databaseUrl).username;

/** The API in an isolate of its own: it has not tried to call any function yet. */
function connectNewApi(bindings = {}) {
  const api = connectApi(bindings);
  const options = { token: nurse.token };
  return {
    ...api,
    read: () => api.get(`/api/patients/${patient.id}/`, options),
    create: (created = newPatient()) => api.post("/api/patients/", created, options),
  };
}

const wasSentAsText = ({ headers }: ApiResponse): boolean => {
  const timing = headers.get("Server-Timing") ?? "";
  expect(timing).toMatch(/^db;dur=\d+, total;dur=\d+(, sql-text)?$/);
  return timing.endsWith(", sql-text");
};

const parsed = (lines: string[]) => lines.map((line) => JSON.parse(line));
const warning = (advice: string) => ({ statement: "patients/find", sent_as: "text", advice });
const ROLE = "Run npm run db:role -- <role> --keep-password.";
const MIGRATE = `Run npm run db:migrate. ${ROLE}`;

test("a statement is sent as a call of its function", async () => {
  const api = connectNewApi();
  const printed = watchConsole();
  const [sent] = await recordStatements(async () => expect(wasSentAsText(await api.read())).toBe(false));
  expect(sent?.query).toMatch(
    /^select "refusal", "etag", "isExpectedVersion", "body", "successor" from statements\."patients_find_[0-9a-f]{8}"\(\$1, /,
  );
  expect(parsed(printed())).toEqual([expect.not.objectContaining({ sql: expect.anything() })]);
});

test.each<[string, (work: () => Promise<void>) => Promise<void>, string]>([
  ["the function is dropped", (work) => withoutFunctions("patients_find_%", work), MIGRATE],
  [
    "the database has no schema statements",
    (work) =>
      duringChange(
        "ALTER SCHEMA statements RENAME TO hidden",
        "ALTER SCHEMA hidden RENAME TO statements",
        work,
      ),
    MIGRATE,
  ],
  [
    "the role may not use the schema",
    (work) =>
      duringChange(
        `REVOKE USAGE ON SCHEMA statements FROM ${role}`,
        `GRANT USAGE ON SCHEMA statements TO ${role}`,
        work,
      ),
    ROLE,
  ],
  [
    "the role may not execute the functions",
    (work) =>
      duringChange(
        `REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA statements FROM ${role}, PUBLIC`,
        `GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA statements TO ${role}`,
        work,
      ),
    ROLE,
  ],
])(
  "while %s, requests get the same response from the statement's text; one line says what to run",
  async (_, during, advice) => {
    const api = connectNewApi();
    const before = await api.read();
    expect([wasSentAsText(before), await api.databaseRequests()]).toEqual([false, 1]);
    const printed = watchConsole();
    await during(async () => {
      const first = await api.read();
      expect([wasSentAsText(first), await api.databaseRequests()]).toEqual([true, 2]);
      const second = await api.read();
      expect([wasSentAsText(second), await api.databaseRequests()]).toEqual([true, 1]);
      for (const { status, body } of [first, second]) expect([status, body]).toEqual([200, before.body]);
      expect(await auditEventsOf(first)).toMatchObject([{ action: "read", outcome: "done" }]);
    });
    const line = expect.objectContaining({ route: "/api/patients/:id", status: 200, sql: "text" });
    expect(parsed(printed())).toEqual([warning(advice), line, line]);
    // After a minute the function is tried again.
    const start = performance.now();
    const clock = vi.spyOn(performance, "now").mockReturnValue(start + 60_000);
    onTestFinished(() => clock.mockRestore());
    expect([wasSentAsText(await api.read()), await api.databaseRequests()]).toEqual([false, 1]);
  },
);

test("many requests that find no function log one line", async () => {
  const api = connectNewApi();
  const printed = watchConsole();
  await withoutFunctions("patients_find_%", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, api.read));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
  });
  expect(parsed(printed()).filter(({ advice }) => advice)).toEqual([warning(MIGRATE)]);
});

test("a write whose function is missing is done once and audited once", async () => {
  const api = connectNewApi();
  const created = newPatient();
  watchConsole();
  const answer = await withoutFunctions("patients_create_%", () => api.create(created));
  expect([answer.status, wasSentAsText(answer)]).toEqual([201, true]);
  expect(await asOwner`SELECT id FROM patients WHERE email = ${created.email}`).toEqual([
    { id: answer.body.id },
  ]);
  expect(await auditEventsOf(answer)).toMatchObject([{ action: "create", outcome: "done" }]);
});

test("a request whose text fails too says so in its log line", async () => {
  const api = connectNewApi({ DATABASE_URL: workerDatabase.urlWithoutFunctions });
  expect((await api.read()).status).toBe(200);
  await api.disturbDatabase({ fault: "sqlstate", code: "XX001" });
  const printed = watchConsole();
  const answer = await api.read();
  expect([answer.status, wasSentAsText(answer)]).toEqual([500, true]);
  expect(parsed(printed()).at(-1)).toMatchObject({ status: 500, sql: "text" });
});

test("a request whose role lacks a right on a table gets 500, and the log says what to run", async () => {
  const api = connectNewApi();
  const printed = watchConsole();
  const answer = await duringChange(
    `REVOKE INSERT (address) ON audit_events FROM ${role}`,
    `GRANT INSERT (address) ON audit_events TO ${role}`,
    api.read,
  );
  expect(answer).toEqual(problem(500));
  const { request_id } = answer.body;
  expect(parsed(printed()).slice(0, -1)).toEqual([
    warning(ROLE),
    { request_id, error: "database refused a statement", code: "42501" },
  ]);
});

/** Answers the next database request with an error of PostgreSQL's, instead of sending it. */
function failNextWith(error: { code: string; message: string }) {
  neonConfig.fetchFunction = async () => {
    neonConfig.fetchFunction = undefined;
    return Response.json(error, { status: 400 });
  };
  onTestFinished(() => {
    neonConfig.fetchFunction = undefined;
  });
}

test.each([
  ["cache lookup failed for function 16384", 200, true],
  ["cache lookup failed for type 16384", 500, false],
  ['could not open file "base/1/16384"', 500, false],
])("an internal error (XX000), %s, gives %i", async (message, status, isText) => {
  const api = connectNewApi();
  watchConsole();
  failNextWith({ code: "XX000", message });
  const answer = await api.read();
  expect([answer.status, wasSentAsText(answer)]).toEqual([status, isText]);
  if (status === 500) expect(answer).toEqual(problem(500));
});

test("functions that are dropped and created all the time fail no request, and each write is done once", async () => {
  watchConsole();
  const functions = await readFunctions("patients_create_%");
  let isChanging = true;
  const changing = owner()
    .query(`DO $do$ BEGIN
      FOR n IN 1..200 LOOP
        ${functions.map(({ drop }) => `${drop};`).join("\n")} COMMIT;
        PERFORM pg_sleep(0.003);
        ${functions.map(({ create }) => `${create};`).join("\n")} COMMIT;
        PERFORM pg_sleep(0.003);
      END LOOP;
    END $do$`)
    .finally(() => {
      isChanging = false;
    });
  const emails: string[] = [];
  const createPatients = async () => {
    while (isChanging) {
      const created = newPatient();
      emails.push(created.email);
      // A new isolate each time: one that has met a missing function sends the text for a minute.
      const answer = await connectNewApi().create(created);
      expect([answer.status, answer.body]).toEqual([201, expect.objectContaining({ email: created.email })]);
    }
  };
  await Promise.all([changing, ...Array.from({ length: 4 }, createPatients)]);
  const stored = await asOwner`SELECT email FROM patients WHERE email = ANY (${emails})`;
  expect(stored.map(({ email }) => email).sort()).toEqual(emails.sort());
});
