import { describe, expect, test } from "vitest";
import { connectApi } from "./support/api.ts";

const methods = [
  { method: "GET", body: { status: "ok" } },
  { method: "HEAD", body: "" },
];

describe.each(methods)("$method", ({ method, body }) => {
  test("/healthz answers 200 without a database request", async () => {
    const api = connectApi();
    const answer = await api.request(method, "/healthz");
    expect([answer.status, answer.body]).toEqual([200, body]);
    expect(answer.headers.get("Content-Type")).toBe("application/json");
    expect(await api.databaseRequests()).toBe(0);
  });

  test("/healthz answers 200 when the Worker has no configuration at all", async () => {
    const nothing = { DATABASE_URL: undefined, JWT_SECRET: undefined, ADDRESS_LIMITER: undefined };
    const answer = await connectApi(nothing).request(method, "/healthz");
    expect([answer.status, answer.body]).toEqual([200, body]);
  });

  test("/healthz answers 200 when the database fails", async () => {
    const api = connectApi();
    await api.disturbDatabase({ fault: "error-500" });
    expect((await api.request(method, "/healthz")).status).toBe(200);
  });

  test("/readyz answers 200 when the database answers, in one database request", async () => {
    const api = connectApi();
    const answer = await api.request(method, "/readyz");
    expect([answer.status, answer.body]).toEqual([200, body]);
    expect(await api.databaseRequests()).toBe(1);
  });

  test.each(["refuse", "hang", "drop-before", "drop-after", "error-500", "truncate"])(
    "/readyz answers 503 when the database fails by %s, and 200 when it is back",
    async (fault) => {
      const api = connectApi(fault === "hang" ? { DATABASE_TIMEOUT_MS: 300 } : {});
      await api.disturbDatabase({ fault, times: 1 });
      const answer = await api.request(method, "/readyz");
      expect(answer.status).toBe(503);
      expect(answer.headers.get("Retry-After")).toMatch(/^[1-9]\d*$/);
      expect((await api.request(method, "/readyz")).status).toBe(200);
    },
  );
});

test("the service's routes need no token and do not mind a bad one", async () => {
  const api = connectApi();
  expect((await api.get("/healthz", { token: "garbage" })).status).toBe(200);
  expect((await api.get("/readyz", { token: "garbage" })).status).toBe(200);
});
