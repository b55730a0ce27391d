import { expect, test } from "vitest";
import { connectApi } from "./support/api.ts";
import { asOwner, signUp } from "./support/fixtures.ts";
import { openWard, outcomes, send } from "./support/outcomes.ts";

test.each(outcomes)("$route, when $when, is $status in $requests database requests", async (outcome) => {
  const api = connectApi();
  const ward = await openWard(api);
  await api.databaseRequests();
  const { status } = await send(outcome, ward);
  expect({ status, requests: await api.databaseRequests() }).toEqual({
    status: outcome.status,
    requests: outcome.requests,
  });
});

const routes = [...new Set(outcomes.map(({ route }) => route.replace(/\?.*/, "").replace(/\{\w+\}/, "1")))];
const guarded = routes.filter((route) => !/(register|login|refresh)\/$|z$/.test(route));

test.each(guarded)("%s without a token asks nothing of the database", async (route) => {
  const api = connectApi();
  const [method = "", path = ""] = route.split(" ");
  const { status } = await api.request(method, path, method.startsWith("P") ? {} : undefined);
  expect({ status, requests: await api.databaseRequests() }).toEqual({ status: 401, requests: 0 });
});

test("a revoked token is refused in one database request", async () => {
  const api = connectApi();
  const nurse = await signUp(api);
  await asOwner`UPDATE users SET active = false WHERE id = ${nurse.id}`;
  await api.databaseRequests();
  const { status } = await nurse.get("/api/patients/");
  expect({ status, requests: await api.databaseRequests() }).toEqual({ status: 401, requests: 1 });
});

test.each([
  ["a path that is none", "GET", "/api/patients/1/history/", undefined, 404],
  ["a method that is none", "DELETE", "/api/patients/", undefined, 405],
  ["JSON that is none", "POST", "/api/patients/", "{", 400],
  ["a body over 64 KiB", "POST", "/api/patients/", " ".repeat(65_537), 413],
])("%s asks nothing of the database", async (_, method, path, raw, expected) => {
  const api = connectApi();
  const { access } = await signUp(api);
  await api.databaseRequests();
  const headers = { "Content-Type": "application/json" };
  const options = { token: access, headers, ...(raw && { raw }) };
  const { status } = await api.request(method, path, undefined, options);
  expect({ status, requests: await api.databaseRequests() }).toEqual({ status: expected, requests: 0 });
});

test("a body that is not application/json asks nothing of the database", async () => {
  const api = connectApi();
  const { post } = await signUp(api);
  await api.databaseRequests();
  const { status } = await post("/api/patients/", undefined, {
    raw: "{}",
    headers: { "Content-Type": "text/plain" },
  });
  expect({ status, requests: await api.databaseRequests() }).toEqual({ status: 415, requests: 0 });
});
