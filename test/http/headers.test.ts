import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { type Api, type ApiResponse, connectApi } from "../support/api.ts";
import { assignDoctor } from "../support/resources.ts";

/** The request that a browser sends before one that is not simple (CORS preflight). */
const preflight = (api: Api, Origin: string) => {
  const wanted = {
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "authorization",
  };
  return api.request("OPTIONS", "/api/patients/1/", undefined, { headers: { Origin, ...wanted } });
};
const get = (api: Api, origin: string) => api.get("/api/patients/", { headers: { Origin: origin } });
const listOf = ({ headers }: ApiResponse, name: string) => headers.get(name)?.split(/, */) ?? [];

test("without CORS_ORIGINS no origin may call, and no CORS header is sent", async () => {
  for (const answer of [
    await preflight(connectApi(), "https://clinic.example"),
    await get(connectApi(), "https://clinic.example"),
  ]) {
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect([...answer.headers.keys()].filter((name) => /^(access-control-|vary$)/.test(name))).toEqual([]);
  }
});

const open = connectApi({ CORS_ORIGINS: "*" });

test("with CORS_ORIGINS=* every origin may call and read the headers it needs", async () => {
  const before = await preflight(open, "https://clinic.example");
  expect(before.headers.get("Access-Control-Allow-Origin")).toBe("*");
  const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
  expect(listOf(before, "Access-Control-Allow-Methods")).toEqual(methods);
  expect(listOf(before, "Access-Control-Allow-Headers")).toEqual(["authorization"]);
  expect(before.headers.get("Access-Control-Allow-Credentials")).toBeNull();
  const answer = await get(open, "https://clinic.example");
  expect(answer.headers.get("Access-Control-Allow-Origin")).toBe("*");
  expect(listOf(answer, "Access-Control-Expose-Headers")).toEqual([
    ...["Allow", "Content-Disposition", "Deprecation", "ETag", "Idempotency-Replayed", "Link", "Location"],
    ...["Retry-After", "Server-Timing", "WWW-Authenticate", "X-Request-Id"],
  ]);
});

const configured = connectApi({ CORS_ORIGINS: "https://a.example, https://b.example" });

test.each(["https://a.example", "https://b.example"])(
  "%s may call when it is in CORS_ORIGINS",
  async (origin) => {
    for (const answer of [await preflight(configured, origin), await get(configured, origin)]) {
      expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(origin);
      expect(listOf(answer, "Vary")).toContain("Origin");
    }
  },
);

test.each([
  ...["https://c.example", "http://a.example", "https://a.example.org", "https://a.example:8443", "null", ""],
])("%j may not call when it is not in CORS_ORIGINS", async (origin) => {
  for (const { headers } of [await preflight(configured, origin), await get(configured, origin)])
    expect(headers.get("Access-Control-Allow-Origin")).toBeNull();
  expect(listOf(await configured.get("/api/patients/"), "Vary")).toContain("Origin");
});

test.each(["/healthz", "/readyz", "/healthz/", "/api/nothing/"])(
  "%s has the CORS headers of the other routes",
  async (path) => {
    const headers = { Origin: "https://b.example" };
    const before = await configured.request("OPTIONS", path, undefined, { headers });
    for (const answer of [before, await configured.get(path, { headers })])
      expect(answer.headers.get("Access-Control-Allow-Origin")).toBe("https://b.example");
    expect(before.status).toBe(204);
    const other = await configured.get(path, { headers: { Origin: "https://c.example" } });
    expect(other.headers.get("Access-Control-Allow-Origin")).toBeNull();
    const closed = await connectApi().get(path, { headers });
    expect(closed.headers.get("Access-Control-Allow-Origin")).toBeNull();
  },
);

test("a page can read the answers of a Worker whose configuration is wrong", async () => {
  const broken = connectApi({ CORS_ORIGINS: "*", JWT_SECRET: undefined });
  const headers = { Origin: "https://clinic.example" };
  for (const [path, status] of [
    ["/healthz", 200],
    ["/readyz", 500],
    ["/api/patients/", 500],
  ] as const) {
    const answer = await broken.get(path, { headers });
    expect([path, answer.status]).toEqual([path, status]);
    expect(answer.headers.get("Access-Control-Allow-Origin")).toBe("*");
  }
});

test.each<[status: number, provoke: (api: Api) => Promise<ApiResponse>]>([
  [204, () => preflight(open, "https://clinic.example")],
  [404, (api) => api.get("/api/nothing/")],
  [405, (api) => api.delete("/api/auth/login/")],
  [413, (api) => api.post("/api/auth/login/", { username: "x".repeat(70_000) })],
  [500, () => connectApi({ JWT_SECRET: undefined }).get("/api/patients/")],
])("a %i is not to be stored", async (status, provoke) => {
  const answer = await provoke(connectApi());
  expect([answer.status, answer.headers.get("Cache-Control")]).toEqual([status, "no-store"]);
});

test.each(["/healthz", "/api/patients/", "/nothing/"])("%s has the security headers", async (path) => {
  const { headers } = await connectApi().get(path);
  expect(Object.fromEntries(headers)).toMatchObject({
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
  });
});

test.each(["application/json;q=0", "*/*;q=0", "text/html", "text/csv"])(
  "a route that has JSON alone sends it whatever Accept says: %s",
  async (accept) => {
    const answer = await connectApi().get("/healthz", { headers: { Accept: accept } });
    expect([answer.status, answer.body]).toEqual([200, { status: "ok" }]);
    const refused = await connectApi().get("/api/patients/", { headers: { Accept: accept } });
    expect(refused.headers.get("Content-Type")).toBe("application/problem+json");
  },
);

test("every response of DELETE /api/mappings/:id/delete/ says that it is deprecated, and what replaces it", async () => {
  const nurse = await newAccount();
  const { id } = await assignDoctor(nurse);
  const path = `/api/mappings/${id}/delete/`;
  const answers = [
    await connectApi().delete(path),
    await nurse.delete(`${path}?x=1`),
    await (await newAccount()).delete(path),
    await nurse.delete(path),
    await nurse.delete(path.slice(0, -1)),
  ];
  expect(answers.map(({ status }) => status)).toEqual([401, 400, 404, 204, 404]);
  for (const { headers } of answers) {
    expect(headers.get("Deprecation")).toBe(`@${Date.UTC(2026, 10, 27) / 1000}`);
    expect(headers.get("Link")).toBe(`</api/mappings/${id}/>; rel="successor-version"`);
  }
  for (const malformed of ["%0d%0aX:1", "x", "1%2F2", "<1>"]) {
    const { headers, status } = await nurse.delete(`/api/mappings/${malformed}/delete/`);
    expect([status, headers.get("Link"), headers.has("Deprecation")]).toEqual([404, null, true]);
  }
  const successor = await nurse.delete(`/api/mappings/${id}/`);
  expect([successor.status, successor.headers.get("Deprecation")]).toEqual([404, null]);
});
