import { describe, expect, test } from "vitest";
import { connectApi } from "./support/api.ts";
import { watchConsole } from "./support/console.ts";
import { signUp } from "./support/fixtures.ts";

/** What a binding must not be; the value is told nowhere. */
const faults: [string, string, unknown][] = [
  ["DATABASE_URL", "missing", undefined],
  ["DATABASE_URL", "empty", ""],
  ["DATABASE_URL", "no URL", "hidden-value host=localhost"],
  ["DATABASE_URL", "an http URL", "https://user:hidden-value@db.example/hospital"],
  ["DATABASE_URL", "without a user", "postgresql://db.example/hidden-value"],
  ["DATABASE_URL", "without a database", "postgresql://user:hidden-value@db.example"],
  ["DATABASE_URL", "a number", 987_654_321],
  ["DATABASE_ENDPOINT", "no URL", "hidden-value"],
  ["DATABASE_ENDPOINT", "not http", "ftp://hidden-value.example/sql"],
  ["DATABASE_TIMEOUT_MS", "no number", "hidden-value"],
  ["DATABASE_TIMEOUT_MS", "too small", "99"],
  ["DATABASE_TIMEOUT_MS", "too large", 60_001],
  ["DATABASE_TIMEOUT_MS", "a fraction", 1234.5],
  ["JWT_SECRET", "missing", undefined],
  ["JWT_SECRET", "of 31 bytes", "hidden-value".padEnd(31, "x")],
  ["JWT_SECRET", "a number", 987_654_321],
  ["JWT_ISSUER", "empty", ""],
  ["JWT_AUDIENCE", "empty", ""],
  ["SESSION_DAYS", "no number", "hidden-value"],
  ["SESSION_DAYS", "zero", 0],
  ["SESSION_DAYS", "more than a year", "366"],
  ["SESSION_DAYS", "negative", "-123456"],
  ["BCRYPT_COST", "no number", "1e987654"],
  ["BCRYPT_COST", "too small", 3],
  ["BCRYPT_COST", "too large", "15"],
  ["CORS_ORIGINS", "a list", ["https://hidden-value.example"]],
  ["ADDRESS_LIMITER", "missing", undefined],
  ["ADDRESS_LIMITER", "a string", "hidden-value"],
  ["USERNAME_LIMITER", "missing", undefined],
  ["USERNAME_LIMITER", "null", null],
];

const routes: [string, string][] = [
  ["GET", "/readyz"],
  ["POST", "/api/auth/login/"],
  ["GET", "/api/patients/"],
  ["OPTIONS", "/api/patients/"],
  ["GET", "/api/nothing/"],
];

describe.each(faults)("%s being %s", (name, _, value) => {
  test("answers 500 on every route and says nothing but the request's id", async () => {
    const printed = watchConsole();
    const api = connectApi({ [name]: value });
    for (const [method, path] of routes) {
      const { status, headers, body } = await api.request(method, path);
      expect([method, path, status]).toEqual([method, path, 500]);
      expect(headers.get("Content-Type")).toBe("application/problem+json");
      expect(body).toEqual({
        type: "about:blank",
        title: "Internal Server Error",
        status: 500,
        detail: "Something went wrong on our side.",
        request_id: headers.get("X-Request-Id"),
      });
      expect(printed().join("\n")).toContain(body.request_id);
    }
    expect(await api.databaseRequests()).toBe(0);
  });

  test("is told to the operator by its name, never by its value", async () => {
    const printed = watchConsole();
    const { body } = await connectApi({ [name]: value }).get("/api/patients/");
    const [error = ""] = printed();
    expect(JSON.parse(error)).toMatchObject({ request_id: body.request_id, error: "ConfigurationError" });
    expect(JSON.parse(error).message).toMatch(
      new RegExp(`^The Worker is not configured: ${name} (is missing|[^;]+)\\.$`),
    );
    if (value === undefined) expect(error).toContain(`${name} is missing`);
    expect(printed().join("\n")).not.toMatch(/hidden-value|987_?654/);
  });

  test("leaves /healthz as it is", async () => {
    const { status, body } = await connectApi({ [name]: value }).get("/healthz");
    expect([status, body]).toEqual([200, { status: "ok" }]);
  });
});

test("all bindings that are wrong are named at once", async () => {
  const printed = watchConsole();
  await connectApi({ DATABASE_URL: undefined, JWT_SECRET: "short", BCRYPT_COST: 99 }).get("/readyz");
  for (const name of ["DATABASE_URL", "JWT_SECRET", "BCRYPT_COST"]) expect(printed()[0]).toContain(name);
});

test.each([
  ["JWT_SECRET", "x".repeat(32)],
  ["JWT_SECRET", "é".repeat(16)],
  ["DATABASE_TIMEOUT_MS", "60000"],
  ["DATABASE_TIMEOUT_MS", undefined],
  ["SESSION_DAYS", 1],
  ["SESSION_DAYS", "365"],
  ["BCRYPT_COST", "4"],
  ["BCRYPT_COST", 14],
  ["JWT_ISSUER", undefined],
  ["JWT_AUDIENCE", undefined],
  ["CORS_ORIGINS", ""],
])("%s may be %j", async (name, value) => {
  expect((await connectApi({ [name]: value }).get("/readyz")).status).toBe(200);
});

test("a token of one issuer, audience or secret is refused by an API of another", async () => {
  const { access: token } = await signUp(connectApi());
  expect((await connectApi().get("/api/auth/me/", { token })).status).toBe(200);
  for (const other of [
    { JWT_ISSUER: "other" },
    { JWT_AUDIENCE: "other" },
    { JWT_SECRET: "another".padEnd(32, "x") },
  ]) {
    expect((await connectApi(other).get("/api/auth/me/", { token })).status).toBe(401);
  }
});
