import { expect, test } from "vitest";
import { connectApi } from "./support/api.ts";
import { watchConsole } from "./support/console.ts";
import { create, newPatient, PASSWORD, signUp, unique } from "./support/fixtures.ts";

/** A name that no log may hold: it is in the path, the query, a header and the body of each request here. */
const SECRET = "Rumpelstiltskin";

const requests: [string, string, unknown, string, number][] = [
  ["GET", "/healthz", undefined, "/healthz", 200],
  ["GET", "/readyz/", undefined, "/readyz", 200],
  ["POST", "/api/auth/login/", { username: SECRET, password: SECRET }, "/api/auth/login", 401],
  ["POST", "/api/auth/register/", { username: SECRET, [SECRET]: SECRET }, "/api/auth/register", 400],
  ["POST", "/api/auth/refresh/", { refresh: SECRET }, "/api/auth/refresh", 401],
  ["POST", "/api/auth/logout/", { refresh: SECRET }, "/api/auth/logout", 400],
  ["GET", "/api/auth/me/", undefined, "/api/auth/me", 200],
  ["GET", "/api/patients/", undefined, "/api/patients", 200],
  ["HEAD", "/api/patients", undefined, "/api/patients", 200],
  ["POST", "/api/patients/", newPatient({ firstname: SECRET }), "/api/patients", 201],
  ["POST", "/api/patients/", newPatient({ gender: SECRET }), "/api/patients", 400],
  ["GET", "/api/patients/2147483647/", undefined, "/api/patients/:id", 404],
  ["GET", `/api/patients/${SECRET}/`, undefined, "/api/patients/:id", 404],
  ["PATCH", "/api/patients/2147483647/", { firstname: SECRET }, "/api/patients/:id", 404],
  ["DELETE", "/api/mappings/2147483647/delete/", undefined, "/api/mappings/:id/delete", 404],
];

test.each(requests)(
  "%s %s is logged by its pattern, status and id, and by nothing else",
  async (...request) => {
    const [method, path, body, route, status] = request;
    const api = connectApi();
    const { access } = await signUp(api);
    const printed = watchConsole();
    const answer = await api.request(method, `${path}?search=${SECRET}&limit=7`, body, {
      token: access,
      headers: { "X-Request-Id": SECRET, "User-Agent": SECRET, Referer: `https://${SECRET}.example/` },
    });
    expect(answer.status).toBe(status);
    expect(printed()).toHaveLength(1);
    const request_id = answer.headers.get("X-Request-Id");
    expect(JSON.parse(printed()[0] ?? "")).toEqual({ request_id, method, route, status });
  },
);

test.each([
  ["no such route", "GET", `/${SECRET}/`, 404],
  ["no such route under /api/", "GET", `/api/${SECRET}/`, 404],
  ["no such route below a group", "GET", `/api/patients/1/${SECRET}/`, 404],
  ["no such method", "PUT", `/api/auth/login/?${SECRET}`, 405],
  ["a preflight", "OPTIONS", `/api/patients/${SECRET}/`, 204],
])("%s is logged too, without the URL", async (_, method, path, status) => {
  const { access } = await signUp(connectApi());
  const printed = watchConsole();
  const answer = await connectApi().request(method, path, undefined, { token: access });
  const line = { request_id: answer.headers.get("X-Request-Id"), method, route: expect.any(String), status };
  expect(printed().map((text) => JSON.parse(text))).toEqual([line]);
  expect(printed()[0]).not.toContain(SECRET);
});

test("a body that is too large, malformed or of another type is logged without any of it", async () => {
  const printed = watchConsole();
  const send = (raw: string, type = "application/json") =>
    connectApi().post("/api/auth/login/", undefined, { raw, headers: { "Content-Type": type } });
  await send(SECRET.repeat(10_000));
  await send(`{"username": ${SECRET}`);
  await send(`username=${SECRET}`, "application/x-www-form-urlencoded");
  expect(printed().map((line) => JSON.parse(line).status)).toEqual([413, 400, 415]);
  expect(printed().join("\n")).not.toContain(SECRET);
});

test("a conflict is logged without the value that is taken", async () => {
  const nurse = await signUp(connectApi());
  const patient = newPatient();
  await create(nurse, "/api/patients/", patient);
  const printed = watchConsole();
  const { status, body } = await nurse.post("/api/patients/", patient);
  expect(status).toBe(409);
  expect(printed().map((line) => JSON.parse(line).status)).toEqual([409]);
  expect(printed().join("\n") + JSON.stringify(body)).not.toContain(patient.email);
});

test("registering and logging in print no password, no token and no username", async () => {
  const printed = watchConsole();
  const account = await signUp(connectApi(), unique("quiet-"));
  expect(printed()).toHaveLength(2);
  for (const secret of [account.username, account.access, account.refresh, PASSWORD, "$2"]) {
    expect(printed().join("\n")).not.toContain(secret);
  }
});
