import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { type ApiResponse, connectApi } from "../support/api.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { assignDoctor, newPatient, postDoctor } from "../support/resources.ts";

const api = connectApi();
const [nurse, other] = [await newAccount(api), await newAccount(api)];

/** A limiter that lets nothing through. */
const exhaustedLimiter = { limit: async () => ({ success: false }) };

/** The documented error statuses, each with a request that gets it. */
const errors: [Parameters<typeof problem>[0], () => Promise<ApiResponse>][] = [
  [400, () => api.post("/api/auth/login/")],
  [401, () => api.get("/api/patients/")],
  [403, async () => other.delete(`/api/doctors/${(await postDoctor(nurse)).id}/`)],
  [404, () => api.get("/api/nothing/")],
  [405, () => api.delete("/api/auth/login/")],
  [
    409,
    async () => {
      const { patient, doctor } = await assignDoctor(nurse);
      return nurse.post("/api/mappings/", { patient, doctor });
    },
  ],
  [413, () => api.post("/api/auth/login/", { username: "x".repeat(65_536) })],
  [415, () => api.post("/api/auth/login/", undefined, { raw: "{}" })],
  [429, () => connectApi({ REFRESH_LIMITER: exhaustedLimiter }).post("/api/auth/refresh/", { refresh: "x" })],
  [500, () => connectApi({ JWT_SECRET: undefined }).get("/api/patients/")],
  [503, () => connectApi({ DATABASE_ENDPOINT: "http://127.0.0.1:1/sql" }).get("/readyz")],
];

test.each(errors)("%i is a problem of RFC 9457, with the request id", async (status, provoke) => {
  const answer = await provoke();
  expect(answer).toEqual(problem(status, expect.stringMatching(/^[A-Z].*\.$/)));
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  expect(answer.headers.get("X-Request-Id")).toBe(answer.body.request_id);
});

test("all invalid fields are named at once, with all messages of each", async () => {
  const body = { username: "é".repeat(151), password: "short", nickname: "x" };
  const answer = await api.post("/api/auth/register/", body);
  expect(answer).toEqual(fieldProblem("username", "email", "password", "nickname"));
  expect(answer.body.errors).toEqual({
    username: ["Too long: expected at most 150 characters", "Only letters, digits and @ . + - _"],
    email: ["Required"],
    password: [
      "Too short: expected at least 8 characters",
      "Too common: choose a password that fewer people use",
    ],
    nickname: ["Unknown field"],
  });
  expect(answer.body.error_codes).toEqual({
    username: ["too_long", "invalid_format"],
    email: ["required"],
    password: ["too_short", "password_too_common"],
    nickname: ["unknown_field"],
  });
});

test("of many invalid fields the first 20 are named, and all are counted", async () => {
  const unknown = Object.fromEntries(Array.from({ length: 6000 }, (_, n) => [`k${n}`, 1]));
  const { status, body } = await api.post("/api/auth/register/", unknown);
  expect([status, body.detail]).toEqual([400, "6003 fields are not valid; the first 20 are named."]);
  expect(Object.keys(body.errors).length).toBe(20);
  expect(Object.keys(body.errors).slice(0, 4)).toEqual(["username", "email", "password", "k0"]);
  const query = Array.from({ length: 300 }, (_, n) => `k${n}=`).join("&");
  const refused = await nurse.get(`/api/patients/?${query}`);
  expect(refused.body.detail).toBe("300 fields are not valid; the first 20 are named.");
  expect(Object.keys(refused.body.errors).length).toBe(20);
});

test("20 invalid fields are all named, without a count of others", async () => {
  const unknown = Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`k${n}`, 1]));
  const answer = await api.post("/api/auth/register/", unknown);
  expect(answer).toEqual(fieldProblem("username", "email", "password", ...Object.keys(unknown)));
});

test.each(["phone", "_x1", "firstName", "x".repeat(64)])(
  "an unknown field that is a plain identifier is named: %s",
  async (name) => {
    expect(await nurse.post("/api/patients/", newPatient({ [name]: 1 }))).toEqual(fieldProblem(name));
    expect(await nurse.get(`/api/patients/?${name}=1`)).toEqual(fieldProblem(name));
  },
);

test.each([
  ...["grace@example.org", "Grace Hopper", "Grâce", "1906", "a.b", "a-b", " a", "a\n", "x".repeat(65)],
  ...["a\0b\ud83e", "🩺", "x".repeat(60_000)],
])("an unknown field that is no plain identifier is not repeated (case %#)", async (name) => {
  const body = await nurse.post("/api/patients/", newPatient({ [name]: 1 }));
  expect(body).toEqual(fieldProblem("unknown_key"));
  const parameter = encodeURIComponent(name.toWellFormed().slice(0, 1000));
  expect(await nurse.get(`/api/patients/?${parameter}=1`)).toEqual(fieldProblem("unknown_key"));
});

test("unknown fields that are not repeated are all counted and share one message", async () => {
  const emails = Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`grace${n}@example.org`, 1]));
  const { body } = await nurse.post("/api/patients/", newPatient(emails));
  expect(body.detail).toBe("400 fields are not valid; the first 20 are named.");
  expect(body.errors).toEqual({ unknown_key: ["Unknown field"] });
});

test("a value of the wrong type gets one message, without its contents", async () => {
  const answer = await nurse.post("/api/patients/", newPatient({ firstname: Array(30_000).fill(1) }));
  expect(answer).toEqual(fieldProblem("firstname"));
  expect(JSON.stringify(answer.body).length).toBeLessThan(300);
});

test("each request has an id of its own, whatever X-Request-Id the client sends", async () => {
  const headers = { "X-Request-Id": "00000000-0000-4000-8000-000000000000" };
  const answers = [await api.get("/healthz", { headers }), await api.get("/api/nothing/", { headers })];
  const ids = answers.map((answer) => answer.headers.get("X-Request-Id"));
  expect(new Set([...ids, headers["X-Request-Id"]]).size).toBe(3);
});
