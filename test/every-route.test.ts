import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { app } from "../src/app.ts";
import { routeRequests } from "./requests.ts";
import { mintToken, newAccount, type TestAccount } from "./support/accounts.ts";
import { connectApi } from "./support/api.ts";
import { watchConsole } from "./support/console.ts";
import { asOwner } from "./support/owner.ts";
import { fieldProblem, problem } from "./support/problems.ts";
import {
  type RouteRequest,
  type RouteSubject,
  routeMethod,
  routePath,
  sendRouteRequest,
  sendToPath,
} from "./support/route-requests.ts";
import { statementRoutes } from "./support/statement-routes.ts";
import { recordStatements } from "./support/statements.ts";
import { workerDatabase } from "./support/worker-database.ts";

const requestsOfApi = routeRequests.filter(({ route }) => route.includes("/api/"));

/** An account, and a subject of its own for a route's request; database requests are counted from here on. */
async function createWorld(
  { subject, as }: RouteRequest,
  api = connectApi(),
): Promise<{ account: TestAccount; about: RouteSubject }> {
  const account = await newAccount(api, as);
  const about = (await subject?.(account)) ?? {};
  await account.api.databaseRequests();
  return { account, about };
}

/** The routes with a statement that is a function of the database. */
const routesWithStatement = new Set([...statementRoutes.values()].flat());

/** Everything that belongs to an account. */
const belongingsOf = ({ id }: TestAccount) => asOwner`
  SELECT (SELECT json_agg(p ORDER BY id) FROM patients p WHERE ${id} IN (owner_id, deleted_from)) AS patients,
         (SELECT json_agg(d ORDER BY id) FROM doctors d WHERE created_by = ${id}) AS doctors,
         (SELECT json_agg(m ORDER BY id) FROM mappings m WHERE owner_id = ${id}) AS mappings,
         (SELECT json_agg(s ORDER BY id) FROM sessions s WHERE user_id = ${id}) AS sessions`;

test("every route of the app has a request here, and every request a route", () => {
  const routes = app.routes.filter(({ method }) => method !== "ALL");
  const patterns = new Set(routes.map(({ method, path }) => `${method} ${path}`));
  expect(routeRequests.map(({ route }) => route).sort()).toEqual([...patterns].sort());
});

describe.each(routeRequests)("$route", (request) => {
  const { route, access } = request;
  const method = routeMethod(request);

  test(`returns ${request.status} in as few database requests as it needs, and is not to be stored`, async () => {
    const { account, about } = await createWorld(request);
    const { status, headers, body } = await sendRouteRequest(account, request, about);
    expect(status).toBe(request.status);
    expect(await account.api.databaseRequests()).toBe(request.requests ?? 1);
    expect(headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.get("Content-Type")).toBe(
      request.status === 204 ? null : (request.type ?? "application/json"),
    );
    if (request.status === 204) expect(body).toBe("");
    else expect(request.answer?.safeParse(body)).toEqual({ success: true, data: body });
    if (!route.includes("/api/")) return;
    expect(headers.get("Cache-Control")).toBe("no-store");
    const notFound = await account.request(method, `${routePath(request, about)}nothing/`, about.body);
    expect(notFound.headers.get("Cache-Control")).toBe("no-store");
  });

  if (routesWithStatement.has(route)) {
    test("sends calls of functions, and no statement as text", async () => {
      const { account, about } = await createWorld(request);
      const sent = await recordStatements(async () => {
        const { status, headers } = await sendRouteRequest(account, request, about);
        expect([status, headers.get("Server-Timing")]).toEqual([
          request.status,
          expect.not.stringContaining("sql-text"),
        ]);
      });
      expect(sent).toHaveLength(request.requests ?? 1);
      for (const { query } of sent) expect(query).toMatch(/^select [^;]* from statements\."\w+"\([^)]*\)$/);
    });

    test(`returns ${request.status} with the statement's text too, when the role may call no function`, async () => {
      const api = connectApi({ DATABASE_URL: workerDatabase.urlWithoutFunctions });
      const { account, about } = await createWorld(request, api);
      const { status, headers, body } = await sendRouteRequest(account, request, about);
      expect([status, headers.get("Server-Timing")]).toEqual([
        request.status,
        expect.stringMatching(/, sql-text$/),
      ]);
      if (request.status !== 204)
        expect(request.answer?.safeParse(body)).toEqual({ success: true, data: body });
    });
  }

  // The other tests of a route share a world, which only the last one changes: all requests before that are refused.
  let account: TestAccount;
  let about: RouteSubject;

  beforeAll(async () => {
    ({ account, about } = await createWorld(request));
  });
  // The count starts anew, also after a test that failed before it asked.
  beforeEach(() => account.api.databaseRequests());

  if (access !== "open")
    test("without a token or with a forged one returns 401 without a database request", async () => {
      const forged = `Bearer ${await mintToken({}, "another".padEnd(32, "x"))}`;
      for (const Authorization of ["", forged]) {
        const answer = await sendRouteRequest(account, request, about, { headers: { Authorization } });
        expect(answer).toMatchObject({ status: 401, body: { title: "Unauthorized" } });
        expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer realm="[^"]+"/);
      }
      expect(await account.api.databaseRequests()).toBe(0);
    });

  if (access !== "open")
    test("with a revoked token returns 401 in one database request and changes nothing", async () => {
      await asOwner`UPDATE sessions SET ended_at = now() WHERE id = ${account.sid}`;
      onTestFinished(async () => {
        await asOwner`UPDATE sessions SET ended_at = NULL WHERE id = ${account.sid}`;
      });
      const before = await belongingsOf(account);
      const answer = await sendRouteRequest(account, request, about);
      expect(answer.status).toBe(401);
      expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer realm="[^"]+", error="invalid_token"$/);
      expect(await account.api.databaseRequests()).toBe(1);
      expect(await belongingsOf(account)).toEqual(before);
    });

  if (access !== "open")
    test("by another account returns the documented status, needs no more database requests, and changes nothing of the owner's", async () => {
      const other = await newAccount(account.api);
      const { toOthers } = Object(access);
      // The email of what another account creates cannot be used again.
      const sent = toOthers === 201 ? ((await request.subject?.(other)) ?? {}) : about;
      const before = await belongingsOf(account);
      const { status } = await sendRouteRequest(other, request, sent);
      expect(status).toBe(toOthers);
      expect(await account.api.databaseRequests()).toBe(request.requests ?? 1);
      expect(await belongingsOf(account)).toEqual(before);
    });

  if (route.includes(":id"))
    test("with an unknown id returns 404, and with an impossible one 404 without a database request", async () => {
      const unknown = typeof about.id === "string" ? crypto.randomUUID() : 2_147_483_647;
      expect(await sendRouteRequest(account, request, { ...about, id: unknown })).toEqual(problem(404));
      expect(await account.api.databaseRequests()).toBe(1);
      const impossible = routePath(request, { ...about, id: "2147483648" });
      expect(await account.request(method, impossible, about.body)).toEqual(problem(404));
      expect(await account.api.databaseRequests()).toBe(0);
    });

  if (request.invalid)
    test("with an invalid field returns 400 by its name, with another media type 415, without a body 400, all without a database request", async () => {
      const body = { ...about.body, ...request.invalid };
      const fields = Object.keys(request.invalid ?? {});
      expect(await sendRouteRequest(account, request, { ...about, body })).toEqual(fieldProblem(...fields));
      const path = routePath(request, about);
      const raw = new TextEncoder().encode(JSON.stringify(about.body));
      expect((await account.request(method, path, undefined, { raw })).status).toBe(415);
      expect((await account.request(method, path)).status).toBe(400);
      expect(await account.api.databaseRequests()).toBe(0);
    });

  if (request.invalid || request.takesFile)
    test("with a compressed body returns 415, which asks for identity, without a database request", async () => {
      const answer = await sendRouteRequest(account, request, about, {
        headers: { "Content-Encoding": "gzip" },
      });
      expect(answer).toEqual(problem(415));
      expect(answer.headers.get("Accept-Encoding")).toBe("identity");
      expect(await account.api.databaseRequests()).toBe(0);
    });

  if (route.includes("/api/"))
    test("returns 503 when the database fails, and tells the reason neither in the response nor in the log", async () => {
      const printed = watchConsole();
      await account.api.disturbDatabase({ fault: "error-500" });
      const answer = await sendRouteRequest(account, request, about);
      await account.api.disturbDatabase({});
      expect(answer).toMatchObject({ status: 503, body: { detail: "The database did not answer." } });
      expect(answer.headers.get("Retry-After")).toMatch(/^[1-9]\d*$/);
      for (const value of Object.values(about.body ?? {}).filter((value) => String(value).length > 7))
        expect(printed().join("\n")).not.toContain(value);
      expect(await account.api.databaseRequests()).toBeGreaterThan(0);
    });

  test("with an unknown parameter or a malformed query returns 400 by its name, without a database request", async () => {
    const path = routePath(request, about);
    for (const [query, name] of [
      ["dry_run=true", "dry_run"],
      ["x", "x"],
      ["limit=1&limit=1&x=1", "x"],
      ["x=Jos%E9", "x"],
      ["%ff=1", "query"],
    ] as const) {
      const answer = await sendToPath(account, request, `${path}?${query}`, about);
      expect([query, answer]).toMatchObject([
        query,
        { status: 400, body: { errors: { [name]: [expect.any(String)] } } },
      ]);
    }
    expect(await account.api.databaseRequests()).toBe(0);
  });

  test(`returns ${request.status} with and without a slash at the end of the path`, async () => {
    const path = routePath(request, about);
    const otherPath = path.endsWith("/") ? path.slice(0, -1) : `${path}/`;
    expect((await sendToPath(account, request, otherPath, about)).status).toBe(request.status);
  });
});

test("a browser's preflight of each route of the API is answered without a token and without a database request", async () => {
  const api = connectApi({ CORS_ORIGINS: "https://clinic.example" });
  for (const request of requestsOfApi) {
    const method = routeMethod(request);
    const headers = { Origin: "https://clinic.example", "Access-Control-Request-Method": method };
    const answer = await api.request("OPTIONS", routePath(request), undefined, { headers });
    expect([request.route, answer]).toMatchObject([request.route, { status: 204, body: "" }]);
    const allowed = answer.headers.get("Access-Control-Allow-Methods")?.split(",");
    expect([request.route, allowed]).toEqual([request.route, expect.arrayContaining([method])]);
  }
  expect(await api.databaseRequests()).toBe(0);
});

test("each path answers 405 to the methods it does not have, with Allow and without a database request", async () => {
  const account = await newAccount();
  await account.api.databaseRequests();
  for (const path of new Set(routeRequests.map((request) => routePath(request)))) {
    const own = routeRequests.filter((request) => routePath(request) === path).map(routeMethod);
    const allowed = own.includes("GET") ? [...own, "HEAD"] : own;
    for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]) {
      if (allowed.includes(method)) continue;
      const answer = await account.request(method, path);
      expect([method, path, answer.status]).toEqual([method, path, 405]);
      expect([path, answer.headers.get("Allow")?.split(", ").sort()]).toEqual([path, allowed.sort()]);
    }
  }
  expect(await account.api.databaseRequests()).toBe(0);
});
