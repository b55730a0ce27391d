import { describe, expect, inject, test } from "vitest";
import { type Answer, connectApi } from "../support/api.ts";
import { watchConsole } from "../support/console.ts";
import { type Account, asOwner, newPatient, signUp, unique } from "../support/fixtures.ts";

/** The endpoint's faults, and whether the statement is run all the same. */
const faults = [
  { fault: "refuse", runs: false },
  { fault: "hang", runs: false },
  { fault: "drop-before", runs: false },
  { fault: "drop-after", runs: true },
  { fault: "error-500", runs: false },
  { fault: "truncate", runs: true },
];

const patientsOf = async ({ id }: Account) =>
  (await asOwner`SELECT email FROM patients WHERE created_by = ${id}`).map((row) => row["email"]);

function expectUnavailable({ status, headers, body }: Answer): void {
  expect(status).toBe(503);
  expect(headers.get("Content-Type")).toBe("application/problem+json");
  expect(headers.get("Retry-After")).toMatch(/^[1-9]\d*$/);
  expect(body).toEqual({
    type: "about:blank",
    title: "Service Unavailable",
    status: 503,
    detail: "The database did not answer.",
    request_id: headers.get("X-Request-Id"),
  });
}

/** What must not be told to anybody: the connection string, its password, and the endpoint. */
const connection = (databaseUrl: string) => {
  const { password, host } = new URL(databaseUrl);
  return [databaseUrl, host, inject("cloud").endpointOrigin, ...(password.length > 8 ? [password] : [])];
};

/** An account that calls through a database which fails once, and what is printed from then on. */
async function disturbed(fault: string) {
  const account = await signUp(connectApi());
  const api = connectApi(fault === "hang" ? { DATABASE_TIMEOUT_MS: 300 } : {});
  await api.disturbDatabase({ fault, times: 1 });
  return { api, account, token: { token: account.access }, printed: watchConsole() };
}

describe.each(faults)("when the database endpoint fails by $fault", ({ fault, runs }) => {
  test("a read answers 503 and is asked once, and the next one works", async () => {
    const { api, token } = await disturbed(fault);
    expectUnavailable(await api.get("/api/patients/", token));
    expect(await api.databaseRequests()).toBe(1);
    expect((await api.get("/api/patients/", token)).status).toBe(200);
  });

  test(`a write answers 503 and has happened ${runs ? "exactly once" : "not at all"}, and the next one works`, async () => {
    const { api, account, token } = await disturbed(fault);
    const [lost, next] = [newPatient(), newPatient()];
    expectUnavailable(await api.post("/api/patients/", lost, token));
    expect(await api.databaseRequests()).toBe(1);
    expect(await patientsOf(account)).toEqual(runs ? [lost.email] : []);
    expect((await api.post("/api/patients/", next, token)).status).toBe(201);
    expect(await patientsOf(account)).toEqual(runs ? [lost.email, next.email] : [next.email]);
  });

  test("neither the answer nor the log tells a value of the request or of the connection", async () => {
    const { api, account, token, printed } = await disturbed(fault);
    const patient = newPatient({ firstname: unique("Grace"), lastname: unique("Hopper") });
    const { body } = await api.post("/api/patients/", patient, token);
    const told = printed().join("\n") + JSON.stringify(body);
    expect(told).toContain(`"request_id":"${body.request_id}","error":"database unavailable"`);
    const secrets = [patient.firstname, patient.lastname, patient.email, account.access, account.username];
    for (const secret of [...secrets, ...connection(inject("cloud").databaseUrl)])
      expect(told).not.toContain(secret);
  });

  test("registering and logging in answer 503 and tell nothing of the account", async () => {
    const { api, printed } = await disturbed(fault);
    const account = {
      username: unique("lost-"),
      password: unique("pass-"),
      email: `${unique("mail-")}@example.org`,
    };
    expectUnavailable(await api.post("/api/auth/register/", account));
    await api.disturbDatabase({ fault, times: 1 });
    const { username, password, email } = account;
    expectUnavailable(await api.post("/api/auth/login/", { username, password }));
    const told = printed().join("\n");
    expect(told).toContain("database unavailable");
    for (const secret of [username, password, email, "$2b$"]) expect(told).not.toContain(secret);
  });
});

/** The database's URL with something else in it. */
function otherwise(change: Partial<URL>): string {
  // The owner's, because the local endpoint checks its password even where the server trusts everybody.
  return Object.assign(new URL(inject("cloud").ownerUrl), change).href;
}

test.each<[string, Partial<URL>]>([
  ["a wrong password", { password: "not-the-real-password" }],
  ["an unknown user", { username: "nobody", password: "not-the-real-password" }],
  ["a database that is not there", { pathname: "/not_the_database" }],
  ["another server", { host: "db.example:5432" }],
])("%s in DATABASE_URL answers 503 and is not told", async (_, change) => {
  const { access } = await signUp(connectApi());
  const printed = watchConsole();
  const databaseUrl = otherwise(change);
  const answer = await connectApi({ DATABASE_URL: databaseUrl }).get("/api/patients/", { token: access });
  expectUnavailable(answer);
  const told = printed().join("\n") + JSON.stringify(answer.body);
  for (const secret of connection(databaseUrl)) expect(told).not.toContain(secret);
});

test("a database without our tables is a bug of ours: 500, of which only PostgreSQL's code is logged", async () => {
  const { access } = await signUp(connectApi());
  const printed = watchConsole();
  const databaseUrl = otherwise({ search: "?options=-c%20search_path%3Dnowhere" });
  const patient = newPatient({ lastname: unique("Hopper") });
  const answer = await connectApi({ DATABASE_URL: databaseUrl }).post("/api/patients/", patient, {
    token: access,
  });
  expect(answer.status).toBe(500);
  expect(answer.body).toEqual({
    type: "about:blank",
    title: "Internal Server Error",
    status: 500,
    detail: "Something went wrong on our side.",
    request_id: answer.headers.get("X-Request-Id"),
  });
  expect(JSON.parse(printed()[0] ?? "")).toEqual({
    request_id: answer.body.request_id,
    error: "database refused a statement",
    code: "42P01",
  });
  for (const secret of [patient.lastname, patient.email]) expect(printed().join("\n")).not.toContain(secret);
});

test("a database that is slow, but answers in time, is no fault", async () => {
  const { access } = await signUp(connectApi());
  const api = connectApi({ DATABASE_TIMEOUT_MS: 5000 });
  await api.disturbDatabase({ delay_ms: 300 });
  expect((await api.get("/api/patients/", { token: access })).status).toBe(200);
});
