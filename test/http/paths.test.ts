import { describe, expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { create, newDoctor, newPatient, signUp } from "../support/fixtures.ts";
import { openRoutes, pathOf, protectedRoutes, recordRoutes } from "../support/routes.ts";

test.each([
  "/",
  "/api/",
  "/api/nothing/",
  "/api/auth/",
  "/api/auth/nothing/",
  "/API/patients/",
  "/api/patientsx/",
  "/.env",
])("%s is no route: 404, with a token and without, and no database request", async (path) => {
  const api = connectApi();
  const nurse = await signUp(api);
  await api.databaseRequests();
  for (const answer of [await api.get(path), await nurse.get(path), await nurse.post(path, {})]) {
    expect(answer.status).toBe(404);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  }
  expect(await api.databaseRequests()).toBe(0);
});

test.each(["/api/patients/1/2/", "/api/patients//", "/api/doctors/1/patients/", "/api/mappings/1/delete/2/"])(
  "below a group, %s is no route either",
  async (path) => {
    const api = connectApi();
    const nurse = await signUp(api);
    await api.databaseRequests();
    expect((await nurse.get(path)).status).toBe(404);
    expect(await api.databaseRequests()).toBe(0);
  },
);

const impossible = [
  ...[
    "0",
    "-1",
    "+1",
    "1.5",
    "1e3",
    "0x1",
    "abc",
    "007",
    "2147483648",
    "99999999999999999999",
    "NaN",
    "null",
  ],
  ...[
    "%00",
    "1%00",
    "%201",
    "1%20",
    "1%0A",
    "1%2E",
    "%2F",
    "%zz",
    "%C3%28",
    "%D9%A1",
    "1,2",
    "1;2",
    "'",
    "1'--",
  ],
];

describe.each(recordRoutes)("$method $path", (route) => {
  test.each(impossible)("answers 404 for the id %s, without a database request", async (id) => {
    const api = connectApi();
    const { access } = await signUp(api);
    await api.databaseRequests();
    const answer = await api.request(route.method, pathOf(route, id), route.body, { token: access });
    expect(answer.status).toBe(404);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    expect(await api.databaseRequests()).toBe(0);
  });

  test("answers 404 for the largest id there can be, in one database request", async () => {
    const api = connectApi();
    const { access } = await signUp(api);
    await api.databaseRequests();
    const answer = await api.request(route.method, pathOf(route, 2_147_483_647), route.body, {
      token: access,
    });
    expect(answer.status).toBe(404);
    expect(await api.databaseRequests()).toBe(1);
  });
});

describe.each([...openRoutes, ...protectedRoutes])("$method $path", (route) => {
  test("is the same route without its trailing slash", async () => {
    const api = connectApi();
    const { access } = await signUp(api);
    const call = async (path: string) => {
      const { status, body } = await api.request(route.method, path, route.body && { nickname: "x" }, {
        token: access,
      });
      return { status, body: { ...body, request_id: "" } };
    };
    const path = pathOf(route, 2_147_483_647);
    const answer = await call(path);
    expect(answer.body.detail).not.toBe("There is no such route.");
    expect(await call(path.slice(0, -1))).toEqual(answer);
  });
});

test.each(["/healthz/", "/readyz/"])("%s is the same route with a trailing slash", async (path) => {
  expect((await connectApi().get(path)).status).toBe(200);
});

test("a query changes nothing about which route it is", async () => {
  const nurse = await signUp(connectApi());
  expect((await nurse.get("/api/auth/me?x=/api/patients/")).body.id).toBe(nurse.id);
});

const methods: [string, string[]][] = [
  ["/healthz", ["GET", "HEAD"]],
  ["/readyz", ["GET", "HEAD"]],
  ["/api/auth/register/", ["POST"]],
  ["/api/auth/login/", ["POST"]],
  ["/api/auth/refresh/", ["POST"]],
  ["/api/auth/logout/", ["POST"]],
  ["/api/auth/me/", ["GET", "HEAD"]],
  ["/api/patients/", ["GET", "HEAD", "POST"]],
  ["/api/patients/1/", ["DELETE", "GET", "HEAD", "PATCH", "PUT"]],
  ["/api/doctors/", ["GET", "HEAD", "POST"]],
  ["/api/doctors/1/", ["DELETE", "GET", "HEAD", "PATCH", "PUT"]],
  ["/api/mappings/", ["GET", "HEAD", "POST"]],
  ["/api/mappings/1/", ["DELETE", "GET", "HEAD"]],
  ["/api/mappings/1/delete/", ["DELETE"]],
];

test.each(methods)("%s has the methods %j; others answer 405 with Allow", async (path, allowed) => {
  const api = connectApi();
  const { access } = await signUp(api);
  await api.databaseRequests();
  const others = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].filter(
    (method) => !allowed.includes(method),
  );
  for (const form of [path, path.replace(/\/$/, "")]) {
    for (const method of others) {
      const answer = await api.request(method, form, undefined, { token: access });
      expect([method, answer.status]).toEqual([method, 405]);
      expect(answer.headers.get("Allow")?.split(", ").sort()).toEqual(allowed);
      expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    }
  }
  expect(await api.databaseRequests()).toBe(0);
});

test("HEAD answers like GET without a body, in as many database requests", async () => {
  const api = connectApi();
  const nurse = await signUp(api);
  const patient = (await create(nurse, "/api/patients/", newPatient())).id;
  await create(nurse, "/api/patients/", newPatient());
  await create(nurse, "/api/doctors/", newDoctor());
  const paths = [
    ...[
      "/api/auth/me/",
      "/api/patients/?limit=1",
      `/api/patients/${patient}/`,
      "/api/doctors/",
      "/api/mappings/",
    ],
    ...[
      `/api/mappings/${patient}/`,
      "/api/patients/2147483647/",
      "/api/patients/abc/",
      "/api/nothing/",
      "/readyz",
    ],
  ];
  for (const path of paths) {
    await api.databaseRequests();
    const get = await nurse.get(path);
    const requests = await api.databaseRequests();
    const head = await api.request("HEAD", path, undefined, { token: nurse.access });
    expect(head.body).toBe("");
    const comparable = ({ headers }: { headers: Headers }) => ({
      ...Object.fromEntries(headers),
      "x-request-id": "",
    });
    expect([path, head.status, comparable(head)]).toEqual([path, get.status, comparable(get)]);
    expect(await api.databaseRequests()).toBe(requests);
  }
});
