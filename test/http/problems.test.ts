import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { type Answer, connectApi } from "../support/api.ts";
import { problem, refusal } from "../support/problems.ts";
import { createDoctor, createPatient, newPatient } from "../support/records.ts";

const api = connectApi();
const [nurse, other] = [await newAccount(api), await newAccount(api)];

/** A limiter of which nothing is left. */
const spent = { limit: async () => ({ success: false }) };

/** The rows of the contract's table of errors, each with a way to get there. */
const ways: [Parameters<typeof problem>[0], () => Promise<Answer>][] = [
  [400, () => api.post("/api/auth/login/")],
  [401, () => api.get("/api/patients/")],
  [403, async () => other.delete(`/api/doctors/${(await createDoctor(nurse)).id}/`)],
  [404, () => api.get("/api/nothing/")],
  [405, () => api.delete("/api/auth/login/")],
  [409, async () => nurse.post("/api/patients/", newPatient({ email: (await createPatient(nurse)).email }))],
  [413, () => api.post("/api/auth/login/", { username: "x".repeat(65_536) })],
  [415, () => api.post("/api/auth/login/", undefined, { raw: "{}" })],
  [429, () => connectApi({ REFRESH_LIMITER: spent }).post("/api/auth/refresh/", { refresh: "x" })],
  [500, () => connectApi({ JWT_SECRET: undefined }).get("/api/patients/")],
  [503, () => connectApi({ DATABASE_ENDPOINT: "http://127.0.0.1:1/sql" }).get("/readyz")],
];

test.each(ways)("%i is a problem as RFC 9457 has it, with the id of its request", async (status, provoke) => {
  const answer = await provoke();
  expect(answer).toEqual(problem(status, expect.stringMatching(/^[A-Z].*\.$/)));
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  expect(answer.headers.get("X-Request-Id")).toBe(answer.body.request_id);
});

test("all fields that are not valid are named at once, with all messages of each", async () => {
  const body = { username: "é".repeat(151), password: "short", nickname: "x" };
  const answer = await api.post("/api/auth/register/", body);
  expect(answer).toEqual(refusal("username", "email", "password", "nickname"));
  expect(answer.body.errors).toEqual({
    username: ["Too long: expected at most 150 characters", "Only letters, digits and @ . + - _"],
    email: ["Required"],
    password: ["Too short: expected at least 8 characters"],
    nickname: ["Unknown field"],
  });
});

test("each request has an id of its own, which is not what the client says", async () => {
  const headers = { "X-Request-Id": "00000000-0000-4000-8000-000000000000" };
  const answers = [await api.get("/healthz", { headers }), await api.get("/api/nothing/", { headers })];
  const ids = answers.map((answer) => answer.headers.get("X-Request-Id"));
  expect(new Set([...ids, headers["X-Request-Id"]]).size).toBe(3);
});
