import { env, withEnv } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { type Bindings, readConfig } from "../src/config.ts";
import { connectApi, JWT_SECRET, limiters } from "./support/api.ts";
import { watchConsole } from "./support/console.ts";
import { problem } from "./support/problems.ts";

const validBindings = {
  ...limiters,
  DATABASE_URL: "postgresql://nurse:password@db.example/hospital",
  JWT_SECRET,
};
const configured = (changes: object) => readConfig({ ...validBindings, ...changes } as Bindings);

test("optional bindings have defaults", () => {
  const parties = { JWT_ISSUER: "hospital-api", JWT_AUDIENCE: "hospital-api" };
  const sessions = { SESSION_DAYS: 30, SESSION_IDLE_DAYS: 7 };
  const numbers = { ...sessions, DATABASE_TIMEOUT_MS: 10_000, PASSWORD_MIN_LENGTH: 8, BCRYPT_COST: 10 };
  expect(configured({})).toEqual({
    ...validBindings,
    ...parties,
    ...numbers,
    CORS_ORIGINS: [],
    REGISTRATION: "invitation",
    TIME_ZONE: "UTC",
    EMERGENCY_ACCESS: "admins",
    REQUIRE_IF_MATCH: false,
  });
});

test.each<[name: string, value: unknown, parsed?: unknown]>([
  ["DATABASE_ENDPOINT", "http://127.0.0.1:5488/sql"],
  ["DATABASE_ENDPOINT", "http://localhost:5488/sql"],
  ["DATABASE_ENDPOINT", "http://[::1]:5488/sql"],
  ["DATABASE_ENDPOINT", "https://db.example/sql"],
  ["DATABASE_TIMEOUT_MS", 100],
  ["DATABASE_TIMEOUT_MS", "60000", 60_000],
  ["JWT_SECRET", "x".repeat(32)],
  ["JWT_SECRET", "é".repeat(16)],
  ["TIME_ZONE", "Europe/Berlin"],
  ["SESSION_DAYS", 1],
  ["SESSION_DAYS", "365", 365],
  ["SESSION_IDLE_DAYS", "365", 365],
  ["SESSION_IDLE_MINUTES", 5],
  ["SESSION_IDLE_MINUTES", "525600", 525_600],
  ["PASSWORD_MIN_LENGTH", 8],
  ["PASSWORD_MIN_LENGTH", "64", 64],
  ["BCRYPT_COST", "4", 4],
  ["BCRYPT_COST", 14],
  ["CORS_ORIGINS", "https://a.example, https://b.example", ["https://a.example", "https://b.example"]],
  ["CORS_ORIGINS", " , ", []],
  ["REGISTRATION", "open"],
  ["REQUIRE_IF_MATCH", "true", true],
  ["REQUIRE_IF_MATCH", true],
  ["REQUIRE_IF_MATCH", "false", false],
])("%s may be %j", (name, value, parsed = value) => {
  expect(configured({ [name]: value })).toHaveProperty(name, parsed);
});

/** Invalid values of the bindings. */
const bad: Record<string, unknown[]> = {
  DATABASE_URL: [
    ...[undefined, "", "hidden-value host=localhost", "https://user:hidden-value@db.example/hospital"],
    ...["postgresql://db.example/hidden-value", "postgresql://user:hidden-value@db.example", 987_654_321],
  ],
  DATABASE_ENDPOINT: [
    ...["", "hidden-value", "ftp://hidden-value.example/sql", 987_654_321],
    ...[
      "http://hidden-value.example/sql",
      "http://10.0.0.1/hidden-value",
      "http://localhost@hidden-value.example/sql",
    ],
  ],
  DATABASE_TIMEOUT_MS: ["hidden-value", "99", 60_001, 9876.54, 1e300, "9".repeat(20)],
  JWT_SECRET: [undefined, "hidden-value".padEnd(31, "x"), 987_654_321],
  JWT_SECRET_PREVIOUS: ["", "hidden-value".padEnd(31, "x"), 987_654_321],
  AUDIT_KEY: ["", "hidden-value".padEnd(31, "x"), 987_654_321],
  JWT_ISSUER: [""],
  JWT_AUDIENCE: [""],
  SESSION_DAYS: ["hidden-value", 0, "366", "-987654"],
  SESSION_IDLE_DAYS: ["hidden-value", 0, "366"],
  SESSION_IDLE_MINUTES: ["hidden-value", "", 4, "525601", 7.5, "-987654"],
  REGISTRATION: ["hidden-value", "", true],
  PASSWORD_MIN_LENGTH: ["hidden-value", "", 7, "65", 8.5],
  BCRYPT_COST: ["1e987654", 3, "15"],
  CORS_ORIGINS: [["https://hidden-value.example"]],
  REQUIRE_IF_MATCH: ["hidden-value", "", "yes", 987_654_321],
  LOGIN_LIMITER: [undefined, "hidden-value", {}],
  ACCOUNT_LIMITER: [undefined, null],
  SESSION_LIMITER: [undefined, null],
};

test.each(Object.entries(bad).flatMap(([name, values]) => values.map((value) => [name, value])))(
  "%s must not be %j; the error does not show the value",
  (name, value) => {
    const reason = value === undefined ? "is missing" : "must [^;]+|Invalid [^;]+|Too [^;]+";
    const message = new RegExp(`^The Worker is not configured: ${name} (${reason})\\.$`);
    expect(() => configured({ [String(name)]: value })).toThrow(message);
    expect(() => configured({ [String(name)]: value })).not.toThrow(/hidden-value|987_?654/);
  },
);

const wrong = { DATABASE_URL: undefined, JWT_SECRET: "hidden-value", BCRYPT_COST: 99 };
const names = /: DATABASE_URL is missing; JWT_SECRET must [^;]+; BCRYPT_COST must [^;]+\.$/;
const configurationError = { error: "ConfigurationError", message: expect.stringMatching(names) };

test("an invalid configuration is logged when the Worker starts, and a valid one is not", async () => {
  const printed = watchConsole();
  for (const bindings of [validBindings, { ...validBindings, ...wrong }]) {
    vi.resetModules();
    await withEnv({ ...env, ...bindings }, () => import("../src/index.ts"));
  }
  expect(printed().map((line) => JSON.parse(line))).toEqual([configurationError]);
});

test("with an invalid configuration all routes but /healthz get 500, and each request logs the error", async () => {
  const api = connectApi(wrong);
  const printed = watchConsole();
  for (const request of ["GET /readyz", "POST /api/auth/login/", "OPTIONS /api/patients/", "GET /nothing"]) {
    const [method = "", path = ""] = request.split(" ");
    const answer = await api.request(method, path);
    const { request_id } = answer.body;
    expect(answer).toEqual(problem(500, "Internal error. Tell the operator the request_id."));
    expect(JSON.parse(printed().splice(0)[0] ?? "")).toMatchObject({ request_id, ...configurationError });
  }
  expect(await api.get("/healthz")).toMatchObject({ status: 200, body: { status: "ok" } });
  expect(await api.databaseRequests()).toBe(0);
});
