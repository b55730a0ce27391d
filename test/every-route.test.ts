import { describe, expect, test } from "vitest";
import { app } from "../src/app.ts";
import { requests } from "./requests.ts";
import { type Account, mint, newAccount } from "./support/accounts.ts";
import { connectApi } from "./support/api.ts";
import { watchConsole } from "./support/console.ts";
import { asOwner } from "./support/owner.ts";
import { problem, refusal } from "./support/problems.ts";
import { methodOf, pathOf, type RouteRequest, type Subject, send, sendTo } from "./support/route-requests.ts";

const guarded = requests.filter(({ access }) => access !== "open");
const ofApi = requests.filter(({ route }) => route.includes("/api/"));
const withRecord = requests.filter(({ route }) => route.includes(":id"));
const withBody = requests.filter(({ invalid }) => invalid);

/** An account, and what a route's request is about; nothing has been counted yet. */
async function ready({ subject, as }: RouteRequest): Promise<{ account: Account; about: Subject }> {
  const account = await newAccount(undefined, as);
  const about = (await subject?.(account)) ?? {};
  await account.api.databaseRequests();
  return { account, about };
}

/** All that belongs to an account. */
const belongings = ({ id }: Account) => asOwner`
  SELECT (SELECT json_agg(p ORDER BY id) FROM patients p WHERE ${id} IN (owner_id, deleted_from)) AS patients,
         (SELECT json_agg(d ORDER BY id) FROM doctors d WHERE created_by = ${id}) AS doctors,
         (SELECT json_agg(m ORDER BY id) FROM mappings m WHERE owner_id = ${id}) AS mappings,
         (SELECT json_agg(s ORDER BY id) FROM sessions s WHERE user_id = ${id}) AS sessions`;

test("every route of the app is tried here, and nothing that is none", () => {
  const routes = app.routes.filter(({ method }) => method !== "ALL");
  const patterns = new Set(routes.map(({ method, path }) => `${method} ${path}`));
  expect(requests.map(({ route }) => route).sort()).toEqual([...patterns].sort());
});

test.each(requests)("$route answers $status in as few database requests as it takes", async (request) => {
  const { account, about } = await ready(request);
  const { status, headers, body } = await send(account, request, about);
  expect(status).toBe(request.status);
  expect(await account.api.databaseRequests()).toBe(request.requests ?? 1);
  expect(headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
  if (request.status === 204) return expect(body).toBe("");
  expect(headers.get("Content-Type")).toBe(request.type ?? "application/json");
  expect(request.answer?.safeParse(body)).toEqual({ success: true, data: body });
});

test.each(requests)("$route is the same with and without a slash at its end", async (request) => {
  const { account, about } = await ready(request);
  const path = pathOf(request, about.id);
  const other = path.endsWith("/") ? path.slice(0, -1) : `${path}/`;
  expect((await sendTo(account, request, other, about)).status).toBe(request.status);
});

describe.each(guarded)("$route is for accounts only:", (request) => {
  test.each([
    ["without a token", async () => ""],
    ["with a forged one", async () => `Bearer ${await mint({}, "another".padEnd(32, "x"))}`],
  ])("%s it is 401 and asks nothing of the database", async (_, authorization) => {
    const { account, about } = await ready(request);
    const headers = { Authorization: await authorization() };
    const answer = await send(account, request, about, { headers });
    expect(answer).toMatchObject({ status: 401, body: { title: "Unauthorized" } });
    expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer realm="[^"]+"/);
    expect(await account.api.databaseRequests()).toBe(0);
  });

  test("a revoked token is 401 in one database request, and changes nothing", async () => {
    const { account, about } = await ready(request);
    await asOwner`UPDATE users SET active = false WHERE id = ${account.id}`;
    const before = await belongings(account);
    const answer = await send(account, request, about);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer realm="[^"]+", error="invalid_token"$/);
    expect(await account.api.databaseRequests()).toBe(1);
    expect(await belongings(account)).toEqual(before);
  });

  test("another account gets what it may, in no more database requests, and changes nothing of the first one's", async () => {
    const { account, about } = await ready(request);
    const other = await newAccount(account.api);
    const before = await belongings(account);
    const { status } = await send(other, request, about);
    expect(status).toBe(Object(request.access).toOthers);
    expect(await account.api.databaseRequests()).toBe(request.requests ?? 1);
    expect(await belongings(account)).toEqual(before);
  });
});

describe.each(withRecord)("$route of a record that is not there:", (request) => {
  test("an id that nobody has is 404, as another account's record is", async () => {
    const { account, about } = await ready(request);
    const unknown = typeof about.id === "string" ? crypto.randomUUID() : 2_147_483_647;
    expect(await send(account, request, { ...about, id: unknown })).toEqual(problem(404));
    expect(await account.api.databaseRequests()).toBe(1);
  });

  test("what can be no id is 404 and asks nothing of the database", async () => {
    const { account, about } = await ready(request);
    const path = pathOf(request, "2147483648");
    expect(await account.request(methodOf(request), path, about.body)).toEqual(problem(404));
    expect(await account.api.databaseRequests()).toBe(0);
  });
});

describe.each(withBody)("$route has a body:", (request) => {
  const method = methodOf(request);

  test("a field that is not valid is 400 by its name and asks nothing of the database", async () => {
    const { account, about } = await ready(request);
    const answer = await send(account, request, { ...about, body: { ...about.body, ...request.invalid } });
    expect(answer).toEqual(refusal(...Object.keys(request.invalid ?? {})));
    expect(await account.api.databaseRequests()).toBe(0);
  });

  test("what is no JSON is 415, nothing at all is 400, and neither asks anything of the database", async () => {
    const { account, about } = await ready(request);
    const path = pathOf(request, about.id);
    const raw = new TextEncoder().encode(JSON.stringify(about.body));
    expect((await account.request(method, path, undefined, { raw })).status).toBe(415);
    expect((await account.request(method, path)).status).toBe(400);
    expect(await account.api.databaseRequests()).toBe(0);
  });
});

describe.each(ofApi)("$route, of the API:", (request) => {
  const path = pathOf(request);

  test("a browser's preflight is answered without a token and without a database request", async () => {
    const api = connectApi({ CORS_ORIGINS: "https://clinic.example" });
    const headers = { Origin: "https://clinic.example", "Access-Control-Request-Method": methodOf(request) };
    const answer = await api.request("OPTIONS", path, undefined, { headers });
    expect(answer).toMatchObject({ status: 204, body: "" });
    expect(answer.headers.get("Access-Control-Allow-Methods")?.split(",")).toContain(methodOf(request));
    expect(await api.databaseRequests()).toBe(0);
  });

  test("nobody is to store its answers, good or bad", async () => {
    const { account, about } = await ready(request);
    for (const path of [pathOf(request, about.id), `${pathOf(request, about.id)}nothing/`]) {
      const { headers } = await account.request(methodOf(request), path, about.body);
      expect(headers.get("Cache-Control")).toBe("no-store");
    }
  });

  test("when the database fails it is 503, and neither its answer nor the log says why", async () => {
    const { account, about } = await ready(request);
    const printed = watchConsole();
    await account.api.disturbDatabase({ fault: "error-500" });
    const answer = await send(account, request, about);
    expect(answer).toMatchObject({ status: 503, body: { detail: "The database did not answer." } });
    expect(answer.headers.get("Retry-After")).toMatch(/^[1-9]\d*$/);
    for (const value of Object.values(about.body ?? {}).filter((value) => String(value).length > 7))
      expect(printed().join("\n")).not.toContain(value);
  });
});

test.each([...new Set(requests.map((request) => pathOf(request)))])(
  "%s answers 405 to the methods it does not have, with Allow and without a database request",
  async (path) => {
    const account = await newAccount();
    await account.api.databaseRequests();
    const own = requests.filter((request) => pathOf(request) === path).map(methodOf);
    const allowed = own.includes("GET") ? [...own, "HEAD"] : own;
    for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]) {
      if (allowed.includes(method)) continue;
      const answer = await account.request(method, path);
      expect([method, answer.status]).toEqual([method, 405]);
      expect(answer.headers.get("Allow")?.split(", ").sort()).toEqual(allowed.sort());
    }
    expect(await account.api.databaseRequests()).toBe(0);
  },
);
