import { expect, test } from "vitest";
import { newAccount, PASSWORD, signUp } from "./support/accounts.ts";
import { connectApi } from "./support/api.ts";
import { watchConsole } from "./support/console.ts";
import { problem } from "./support/problems.ts";
import { newPatient, postPatient } from "./support/resources.ts";

/** It is in the path, the query, the headers and the body of each request here, and must not be in any log. */
const SECRET = "Rumpelstiltskin";

const nurse = await newAccount();
const duplicatePatient = newPatient({ email: (await postPatient(nurse)).email });

/** The pattern of a middleware, where no route matches. */
const noRoute = expect.stringMatching(/^[a-z/]*\*$/);

test.each<[request: string, body: unknown, route: unknown, status: number]>([
  ["GET /healthz", undefined, "/healthz", 200],
  ["POST /api/auth/login/", { username: SECRET, password: SECRET }, "/api/auth/login", 401],
  ["POST /api/auth/login/", { username: SECRET.repeat(10_000) }, "/api/auth/login", 413],
  ["POST /api/auth/login/", `{"username": ${SECRET}`, "/api/auth/login", 400],
  ["POST /api/auth/register/", { username: SECRET, [SECRET]: SECRET }, "/api/auth/register", 400],
  ["POST /api/auth/refresh/", { refresh: SECRET }, "/api/auth/refresh", 401],
  ["HEAD /api/patients", undefined, "/api/patients", 200],
  ["POST /api/patients/", newPatient({ firstname: SECRET }), "/api/patients", 201],
  ["POST /api/patients/", duplicatePatient, "/api/patients", 409],
  [`GET /api/patients/${SECRET}/`, undefined, "/api/patients/:id", 404],
  ["PATCH /api/patients/2147483647/", { firstname: SECRET }, "/api/patients/:id", 404],
  ["DELETE /api/mappings/2147483647/delete/", undefined, "/api/mappings/:id/delete", 404],
  [`GET /${SECRET}/`, undefined, noRoute, 404],
  [`GET /api/patients/1/${SECRET}/`, undefined, noRoute, 404],
  ["PUT /api/auth/login/", undefined, noRoute, 405],
  [`OPTIONS /api/patients/${SECRET}/`, undefined, noRoute, 405],
])(
  "%s is logged in one line with request id, method, route pattern and status",
  async (request, body, route, status) => {
    const [method = "", path = ""] = request.split(" ");
    // Of these routes only the list takes a query: the others refuse it before they do anything.
    const statusWithQuery = route === noRoute || method === "HEAD" ? status : 400;
    for (const [query, expected] of [
      [`?search=${SECRET}&limit=7`, statusWithQuery],
      ["", status],
    ] as const) {
      const printed = watchConsole();
      const answer = await nurse.request(method, `${path}${query}`, body, {
        ...(typeof body === "string" && { raw: body }),
        headers: { "X-Request-Id": SECRET, "User-Agent": SECRET, Referer: `https://${SECRET}.example/` },
      });
      const request_id = answer.headers.get("X-Request-Id");
      expect(printed().map((line) => JSON.parse(line))).toEqual([
        {
          ...{ request_id, method, route, status: expected },
          ...{ db_ms: expect.any(Number), total_ms: expect.any(Number) },
        },
      ]);
    }
  },
);

test("register and login log no password, hash, token or username", async () => {
  const printed = watchConsole();
  const { username, token, refresh } = await signUp();
  expect(printed()).toHaveLength(2);
  for (const secret of [username, token, refresh, PASSWORD, "$2"])
    expect(printed().join("\n")).not.toContain(secret);
});

test("the first request without CF-Connecting-IP logs a warning, and later ones and those with it do not", async () => {
  const printed = watchConsole();
  const api = connectApi();
  const withoutAddress = { headers: { "CF-Connecting-IP": "" } };
  await api.get("/readyz");
  await api.get("/healthz", withoutAddress);
  for (const time of [1, 2])
    expect([time, (await api.get("/readyz", withoutAddress)).status]).toEqual([time, 200]);
  const lines = printed().map((line) => JSON.parse(line));
  expect(lines.filter(({ warning }) => warning)).toEqual([
    {
      warning: "requests have no client address",
      advice: expect.stringContaining("CF-Connecting-IP is missing."),
    },
  ]);
  expect(lines).toHaveLength(5);
});

test("an unexpected error gets 500 and is logged with its name and stack, without its message", async () => {
  const limit = () => {
    throw new RangeError(`cannot count\n    at ${SECRET}`);
  };
  const printed = watchConsole();
  const api = connectApi({ REFRESH_LIMITER: { limit } });
  const answer = await api.post("/api/auth/refresh/", { refresh: SECRET });
  expect(answer).toEqual(problem(500, "Internal error. Tell the operator the request_id."));
  const [error, access] = printed().map((line) => JSON.parse(line));
  const { request_id } = answer.body;
  expect(error).toEqual({ request_id, error: "RangeError", stack: expect.any(Array) });
  expect(error.stack).toContainEqual(expect.stringMatching(/^ +at .*limits\.ts/));
  expect(access).toMatchObject({ request_id, status: 500 });
  expect(printed().join("\n")).not.toContain(SECRET);
});
