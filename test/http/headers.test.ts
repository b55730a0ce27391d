import { describe, expect, test } from "vitest";
import { type Api, connectApi, type Options } from "../support/api.ts";
import { signUp } from "../support/fixtures.ts";
import { openRoutes, pathOf, protectedRoutes } from "../support/routes.ts";

/** What a browser asks before a request that is not simple. */
const preflight = (api: Api, path: string, origin = "https://clinic.example") =>
  api.request("OPTIONS", path, undefined, {
    headers: {
      Origin: origin,
      "Access-Control-Request-Method": "PUT",
      "Access-Control-Request-Headers": "authorization, content-type",
    },
  });

const words = (header: string | null) => header?.split(/, */) ?? [];

describe.each([...openRoutes, ...protectedRoutes])("$method $path", (route) => {
  test("answers a preflight with 204, without a token and without a database request", async () => {
    const api = connectApi();
    const { status, headers, body } = await preflight(api, pathOf(route, 1));
    expect(status).toBe(204);
    expect(body).toBe("");
    expect(headers.get("Access-Control-Allow-Origin")).toBe("*");
    expect(words(headers.get("Access-Control-Allow-Methods"))).toContain(route.method);
    expect(words(headers.get("Access-Control-Allow-Headers"))).toEqual(["authorization", "content-type"]);
    expect(headers.get("Access-Control-Allow-Credentials")).toBeNull();
    expect(await api.databaseRequests()).toBe(0);
  });

  test("is not to be stored by anybody, answered or refused", async () => {
    const api = connectApi();
    const { access } = await signUp(api);
    for (const options of [{ token: access }, {}] satisfies Options[]) {
      const { headers } = await api.request(route.method, pathOf(route, 1), route.body, options);
      expect(headers.get("Cache-Control")).toBe("no-store");
    }
  });
});

test.each<[string, (api: Api) => ReturnType<Api["get"]>]>([
  ["404", (api) => api.get("/api/nothing/")],
  ["405", (api) => api.delete("/api/auth/login/")],
  ["413", (api) => api.post("/api/auth/login/", { username: "x".repeat(70_000) })],
  ["415", (api) => api.post("/api/auth/login/", undefined, { raw: "{}" })],
  ["500", () => connectApi({ JWT_SECRET: undefined }).get("/api/patients/")],
  [
    "503",
    async (api) => {
      await api.disturbDatabase({ fault: "error-500" });
      return api.post("/api/auth/refresh/", { refresh: "x" });
    },
  ],
  ["204", (api) => preflight(api, "/api/patients/")],
])("under /api/, a %s is not to be stored by anybody either", async (status, provoke) => {
  const answer = await provoke(connectApi());
  expect(answer.status).toBe(Number(status));
  expect(answer.headers.get("Cache-Control")).toBe("no-store");
});

const CONFIGURED = { CORS_ORIGINS: "https://a.example, https://b.example" };

test.each(["https://a.example", "https://b.example"])("the configured origin %s may call", async (origin) => {
  const api = connectApi(CONFIGURED);
  for (const { headers } of [
    await preflight(api, "/api/patients/", origin),
    await api.get("/api/patients/", { headers: { Origin: origin } }),
  ]) {
    expect(headers.get("Access-Control-Allow-Origin")).toBe(origin);
    expect(words(headers.get("Vary"))).toContain("Origin");
  }
});

test.each([
  "https://c.example",
  "http://a.example",
  "https://a.example.org",
  "https://a.example:8443",
  "null",
  "",
])("the origin %j, which is not configured, may not", async (origin) => {
  const api = connectApi(CONFIGURED);
  for (const { headers } of [
    await preflight(api, "/api/patients/", origin),
    await api.get("/api/patients/", { headers: { Origin: origin } }),
  ]) {
    expect(headers.get("Access-Control-Allow-Origin")).toBeNull();
  }
});

test("an answer to one origin is not taken for another's: it varies by Origin, also to none", async () => {
  const { headers } = await connectApi(CONFIGURED).get("/api/patients/");
  expect(words(headers.get("Vary"))).toContain("Origin");
});

test.each(["/api/patients/", "/api/nothing/"])(
  "a page may read a problem of %s, and the headers it needs",
  async (path) => {
    const { headers } = await connectApi().get(path, { headers: { Origin: "https://clinic.example" } });
    expect(headers.get("Access-Control-Allow-Origin")).toBe("*");
    expect(words(headers.get("Access-Control-Expose-Headers"))).toEqual(
      expect.arrayContaining(["Link", "Location", "Retry-After", "WWW-Authenticate", "X-Request-Id"]),
    );
  },
);

test.each(["/healthz", "/readyz", "/api/patients/", "/api/nothing/"])(
  "%s has the headers that keep browsers safe",
  async (path) => {
    const { headers } = await connectApi().get(path);
    expect(Object.fromEntries(headers)).toMatchObject({
      "x-content-type-options": "nosniff",
      "x-frame-options": "SAMEORIGIN",
      "referrer-policy": "no-referrer",
      "strict-transport-security": expect.stringMatching(/^max-age=\d{7,}/),
    });
    expect(headers.get("X-Powered-By")).toBeNull();
  },
);
