import { describe, expect, test } from "vitest";
import { type Answer, type Api, connectApi } from "../support/api.ts";
import { create, newDoctor, newPatient, signUp, unique } from "../support/fixtures.ts";

/** The rows of the contract's table of errors, each with a way to get there. */
const problems: [number, string, (api: Api) => Promise<Answer>][] = [
  [400, "Bad Request", (api) => api.post("/api/auth/login/", {})],
  [401, "Unauthorized", (api) => api.get("/api/patients/")],
  [
    403,
    "Forbidden",
    async (api) => {
      const doctor = await create(await signUp(api), "/api/doctors/", newDoctor());
      return (await signUp(api)).delete(`/api/doctors/${doctor.id}/`);
    },
  ],
  [404, "Not Found", (api) => api.get("/api/nothing/")],
  [405, "Method Not Allowed", (api) => api.delete("/api/auth/login/")],
  [
    409,
    "Conflict",
    async (api) => {
      const nurse = await signUp(api);
      const patient = newPatient();
      await create(nurse, "/api/patients/", patient);
      return nurse.post("/api/patients/", patient);
    },
  ],
  [413, "Content Too Large", (api) => api.post("/api/auth/login/", { username: "x".repeat(65_536) })],
  [415, "Unsupported Media Type", (api) => api.post("/api/auth/login/", undefined, { raw: "{}" })],
  [
    429,
    "Too Many Requests",
    async (api) => {
      const attempt = { username: unique("victim-"), password: "not the password" };
      let answer = await api.post("/api/auth/login/", attempt);
      for (let n = 0; n < 120 && answer.status !== 429; n += 1)
        answer = await api.post("/api/auth/login/", attempt);
      return answer;
    },
  ],
  [500, "Internal Server Error", () => connectApi({ JWT_SECRET: undefined }).get("/api/patients/")],
  [
    503,
    "Service Unavailable",
    async (api) => {
      await api.disturbDatabase({ fault: "error-500" });
      return api.get("/readyz");
    },
  ],
];

describe.each(problems)("%i %s", (status, title, provoke) => {
  test("is a problem as RFC 9457 has it", async () => {
    const answer = await provoke(connectApi());
    expect(answer.status).toBe(status);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    expect(answer.body).toEqual({
      type: "about:blank",
      title,
      status,
      detail: expect.stringMatching(/^[A-Z0-9].*\.$/),
      request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      ...(status === 400 && { errors: { username: ["Required"], password: ["Required"] } }),
    });
    expect(answer.headers.get("X-Request-Id")).toBe(answer.body.request_id);
  });
});

test.each([
  ["/api/patients/", { firstname: 1, age: 121, gender: "X", email: "nobody", nickname: "x", role: "admin" }],
  ["/api/doctors/", { lastname: " ", specialization: "card", max_appointments_per_day: -1, nickname: "x" }],
  ["/api/mappings/", { patient: "1", doctor: 0, nickname: "x" }],
])("%s names all fields that are wrong at once", async (path, body) => {
  const expected = {
    "/api/patients/": ["age", "email", "firstname", "gender", "lastname", "nickname", "role"],
    "/api/doctors/": [
      "email",
      "firstname",
      "gender",
      "lastname",
      "max_appointments_per_day",
      "nickname",
      "specialization",
    ],
    "/api/mappings/": ["doctor", "nickname", "patient"],
  }[path];
  const api = connectApi();
  const nurse = await signUp(api);
  await api.databaseRequests();
  const answer = await nurse.post(path, body);
  expect(answer.status).toBe(400);
  expect(Object.keys(answer.body.errors).sort()).toEqual(expected);
  expect(answer.body.detail).toBe(`${expected?.length} fields are not valid.`);
  expect(await api.databaseRequests()).toBe(0);
});

test("a field with several faults has a message for each", async () => {
  const answer = await connectApi().post("/api/auth/login/", { username: ["a"], password: "" });
  expect(answer.body.errors).toEqual({
    username: [expect.any(String)],
    password: [expect.any(String)],
  });
  const { errors } = (
    await connectApi().post("/api/auth/register/", {
      username: `${"é".repeat(151)}`,
      email: "a@example.org",
      password: "12345678",
    })
  ).body;
  expect(errors).toEqual({ username: [expect.stringContaining("150"), expect.stringContaining("letters")] });
});

test("no two requests have the same id", async () => {
  const api = connectApi();
  const ids = [await api.get("/healthz"), await api.get("/healthz")].map(({ headers }) =>
    headers.get("X-Request-Id"),
  );
  expect(new Set(ids).size).toBe(2);
});

test("an id that the client gives its request is not used", async () => {
  const headers = { "X-Request-Id": "my-own-id" };
  const answer = await connectApi().get("/api/nothing/", { headers });
  expect(answer.body.request_id).not.toBe("my-own-id");
  expect(answer.headers.get("X-Request-Id")).not.toBe("my-own-id");
});

test("an answer without a problem has its request's id too", async () => {
  const nurse = await signUp(connectApi());
  expect((await nurse.get("/api/patients/")).headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
});
