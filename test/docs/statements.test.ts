import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readStatementText, sqlFolder, statementFile } from "../../ops/statement-files.ts";
import { app } from "../../src/app.ts";
import { statementFunctions } from "../../src/db/sql/functions.ts";
import { statements } from "../../src/db/statement.ts";
import { parseRoutes } from "../support/statement-routes.ts";

// The rules of statements, checked on the generated files: on the text that PostgreSQL gets. Each list of exceptions
// has the statement's name and the reason. An exception that is not needed fails the test.

const names = Object.keys(statementFunctions);
/** Statements that begin with `WITH token_account` belong to an authenticated request. */
const isAuthenticated = (name: string) => readStatementText(name).startsWith("WITH token_account AS (\n");
/** The statements of requests, without those of the scheduled cleanup. */
const ofRequests = () => names.filter((name) => routesOf(name).length > 0);

/** Compares the statements that break a rule with the exceptions to it. */
function expectExceptions(breaking: string[], exceptions: Record<string, string>): void {
  expect(breaking.sort()).toEqual(Object.keys(exceptions).sort());
}

/** The routes in the first line of a statement's file. */
function routesOf(name: string): string[] {
  const header =
    /^-- (.*?): (?:\$1 |no parameters\n)/.exec(readFileSync(statementFile(name), "utf8"))?.[1] ?? "";
  return header === "Scheduled cleanup" ? [] : parseRoutes(header);
}

test("every statement of the app has a file and a function, and there are no others: run npm run sql", () => {
  const files = readdirSync(sqlFolder, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".sql"),
  );
  expect(files.sort()).toEqual([...statements.keys()].map((name) => `${name}.sql`).sort());
  expect([...names].sort()).toEqual([...statements.keys()].sort());
});

describe("routes", () => {
  const routes = app.routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path}`);

  test.each(names)("%s names routes of the app, or the scheduled cleanup", (name) => {
    expect(routes).toEqual(expect.arrayContaining(routesOf(name)));
  });

  test("every route has a statement, but for the one that uses no database", () => {
    const withStatement = new Set(names.flatMap(routesOf));
    expect(routes.filter((route) => !withStatement.has(route))).toEqual(["GET /healthz"]);
  });
});

test("every statement of a request checks the caller first", () => {
  const caller =
    /^WITH token_account AS \(\n {2}SELECT u\.id, [\s\S]*? AS refusal,\n {4}u\.probing_until > now\(\) AS is_probing\n {2}FROM users u\n[\s\S]*?\n {2}WHERE u\.id = \$\d+::int\n\),\ncaller AS \(\n {2}SELECT id, username, role, doctor_id, clinic_id, clinic_role, today FROM token_account\n {2}WHERE refusal IS NULL AND CASE WHEN is_probing THEN refuse_probing\(\) ELSE true END\n\)/;
  expectExceptions(
    ofRequests().filter((name) => !caller.test(readStatementText(name))),
    {
      "auth/create-account": "Registration: there is no account yet",
      "auth/end-session-by-refresh-token": "The refresh token is checked instead",
      "auth/find-invitation": "Registration: there is no account yet",
      "auth/find-login-account": "Login: the password is checked afterwards",
      "auth/open-session": "Login: the password has been checked",
      "auth/rotate-refresh-token": "The refresh token is checked instead",
      "calendar-feeds/read": "The token of the feed is checked instead",
      "health/ping": "Open to everybody, and reads nothing",
    },
  );
});

test("every statement of a request inserts an audit event", () => {
  expectExceptions(
    ofRequests().filter((name) => !/\bINSERT INTO audit_events\b/.test(readStatementText(name))),
    {
      "auth/find-invitation": "Only whether the registration may go on, which is audited",
      "auth/find-own-account": "Reads the caller's own account only",
      "auth/list-sessions": "Reads the caller's own sessions only",
      "calendar-feeds/list-by-id": "Reads the caller's own calendar feeds only",
      "calendar-feeds/list-by-id-desc": "Reads the caller's own calendar feeds only",
      "doctors/find": "Doctors are a directory that every account may read",
      "health/ping": "Reads nothing",
      "identifier-systems/find": "Identifier systems are no data of patients",
      "identifier-systems/list-by-id": "Identifier systems are no data of patients",
      "identifier-systems/list-by-id-desc": "Identifier systems are no data of patients",
      "schedules/find-absence": "When doctors work and are free, every account may read",
      "schedules/find": "When doctors work and are free, every account may read",
      "schedules/find-earliest-slots": "When doctors work and are free, every account may read",
      "schedules/list-absences-by-id": "When doctors work and are free, every account may read",
    },
  );
});

test("what a stranger can ask for is audited with one patient: no index has events of several in order", () => {
  const severalPatients = /\bINSERT INTO audit_events \([^)]*\bpatients\b/;
  expectExceptions(
    names.filter((name) => !/\/list-/.test(name) && severalPatients.test(readStatementText(name))),
    {
      "accounts/update": "The patients of the doctor that an admin links an account to",
      "calendar-feeds/read":
        "Patients of the clinic or the doctor of whose feed the request has the secret token",
      "doctors/reassign": "Patients whose doctor a manager or an admin has changed",
      "patients/export-csv": "The caller's own patients",
      "patients/export-ndjson": "The caller's own patients",
      "patients/import": "Patients that the caller has created",
      "patients/merge": "Both patients, only when the caller owns both",
      "patients/unmerge": "Both patients, only when the caller owns both",
      "schedules/create-absence": "Patients whose appointments the caller may cancel and has cancelled",
      "patients/transfer-all": "Patients that an admin or a manager of both clinics has transferred",
      "patients/transfer-listed": "Patients that an admin or a manager of both clinics has transferred",
    },
  );
});

/** The text without comments and literals. */
const codeOf = (name: string) =>
  readStatementText(name)
    .replaceAll(/--.*$/gm, "")
    .replaceAll(/E?'(?:\\.|''|[^'\\])*'/g, "''");

/** Functions of the schema that wait for a lock, and functions that write. */
const WAITING_FUNCTION =
  /\b(\w+_taken|\w+_with_(?:email|name)|kept_answer|lock_\w+|check_appointment|booked_appointments|unset_primary|cancel_appointments|merge_assignments|return_assignments|erase_patient)\(/;
const WRITING_FUNCTION =
  /\b(unset_primary|cancel_appointments|merge_assignments|return_assignments|erase_patient)\(/;

/** Whether a statement may wait for a lock of another transaction, and then writes. */
function writesAfterLock(name: string): boolean {
  const code = codeOf(name).replaceAll("INSERT INTO audit_events", "");
  const changes = /(?<!\bFOR |\bKEY |\bDO )\bUPDATE \w|\bDELETE FROM\b/;
  const locks = /\bFOR (NO KEY )?UPDATE\b|\bFOR (KEY )?SHARE\b/.test(code) || changes.test(code);
  const writes = changes.test(code) || /\bINSERT INTO\b/.test(code);
  return (locks || WAITING_FUNCTION.test(code)) && (writes || WRITING_FUNCTION.test(code));
}

test("every statement of an authenticated request that writes after a lock wait re-checks the caller", () => {
  expectExceptions(
    names.filter(
      (name) =>
        isAuthenticated(name) &&
        writesAfterLock(name) &&
        !codeOf(name).includes("EXISTS (SELECT FROM caller_recheck)"),
    ),
    {
      "auth/end-all-sessions": "A caller that was revoked meanwhile may end its own sessions too",
      "auth/end-session": "A caller that was revoked meanwhile may end its own sessions too",
    },
  );
});

test("no statement changes the case of a text by the rules of the database's language", () => {
  // In Turkish, `lower('I')` is not `i`. Of ranges, `lower` and `upper` are the bounds.
  const ofText = /\b(?:lower|upper|initcap)\((?!h\))(?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)/g;
  const changes = (name: string) => codeOf(name).match(ofText) ?? [];
  expect(names.flatMap(changes).length).toBeGreaterThan(0);
  expectExceptions(
    names.filter((name) => changes(name).some((change) => !change.endsWith('COLLATE "C")'))),
    {},
  );
});
