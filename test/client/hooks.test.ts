import { afterAll, expect, test, vi } from "vitest";
import {
  createClient,
  type IncomingResponse,
  type OutgoingRequest,
  type Tokens,
} from "../../client/index.ts";
import { serveApi } from "../support/serve-api.ts";
import { openGateway } from "./gateway.ts";
import { newPatient, PASSWORD, signUp, slowDatabase, unique } from "./support.ts";

const served = await serveApi(slowDatabase);
afterAll(() => served.stop());
const api = await signUp(served.origin);
const tokens = api.tokens as Tokens;
const retry = { delay: 1 };

test("onRequest adds a header to every attempt, and sees its number but neither the access token nor the body", async () => {
  const gateway = await openGateway(served.origin, "drop-before", { status: 503 });
  const seen: OutgoingRequest[] = [];
  const onRequest = async (request: OutgoingRequest) => {
    await Promise.resolve();
    seen.push({ ...request, headers: new Headers(request.headers) });
    request.headers.set("X-Trace", `trace-${request.attempt}`);
  };
  const client = createClient({ url: gateway.origin, tokens, retry, onRequest });
  await client.patients.create(newPatient(), { idempotencyKey: "hooks-1" });
  const url = `${gateway.origin}/api/patients/`;
  expect(seen).toEqual(
    [1, 2, 3].map((attempt) => ({ method: "POST", url, attempt, headers: expect.any(Headers) })),
  );
  for (const { headers } of seen)
    expect(Object.fromEntries(headers)).toEqual({
      "content-type": "application/json",
      "idempotency-key": "hooks-1",
    });
  expect(gateway.requests.map(({ headers }) => [headers["x-trace"], headers.authorization])).toEqual(
    [1, 2, 3].map((attempt) => [`trace-${attempt}`, `Bearer ${tokens.access}`]),
  );
});

test("an Authorization header of onRequest does not replace the access token", async () => {
  const onRequest = ({ headers }: OutgoingRequest) => headers.set("authorization", "Basic eDp5");
  const client = createClient({ url: served.origin, tokens, onRequest });
  expect(await client.me()).toEqual(await api.me());
});

test("onResponse gets status, headers and request id of each response, with an error status too", async () => {
  const gateway = await openGateway(served.origin, "drop-before", { status: 503 });
  const seen: IncomingResponse[] = [];
  const client = createClient({ url: gateway.origin, tokens, retry, onResponse: (one) => seen.push(one) });
  await client.me();
  await expect(client.patients.get(2_000_000_000)).rejects.toMatchObject({ status: 404 });
  expect(seen.map(({ method, attempt, status }) => [method, attempt, status])).toEqual([
    ["GET", 2, 503],
    ["GET", 3, 200],
    ["GET", 1, 404],
  ]);
  expect(seen[1]).toMatchObject({ url: `${gateway.origin}/api/auth/me/`, requestId: expect.any(String) });
  expect(seen[1]?.headers.get("Cache-Control")).toBe("no-store");
  expect(seen[1]).not.toHaveProperty("body");
});

test("the hooks of a client see its logins and refreshes, with their paths and no token", async () => {
  const seen: string[] = [];
  const username = unique("user-");
  const client = createClient({
    url: served.origin,
    onRequest: ({ url, headers }) => seen.push(`${new URL(url).pathname} ${[...headers.keys()]}`),
  });
  await client.register({ username, email: `${username}@example.org`, password: PASSWORD });
  await client.login({ username, password: PASSWORD });
  await client.refresh();
  expect(seen).toEqual(["register", "login", "refresh"].map((name) => `/api/auth/${name}/ content-type`));
});

test("the hooks of one call run after those of the client, for this call only", async () => {
  const order: string[] = [];
  const client = createClient({
    url: served.origin,
    tokens,
    onRequest: () => order.push("client: request"),
    onResponse: () => order.push("client: response"),
  });
  const onRequest = () => order.push("call: request");
  const onResponse = () => order.push("call: response");
  await client.me({ onRequest, onResponse });
  expect(order).toEqual(["client: request", "call: request", "client: response", "call: response"]);
  await client.me();
  expect(order.slice(4)).toEqual(["client: request", "client: response"]);
});

test("every method takes onResponse: records, assignments, lists, imports, exports and checks", async () => {
  const ids: (string | undefined)[] = [];
  const options = { onResponse: ({ requestId }: IncomingResponse) => ids.push(requestId) };
  const { id } = await api.patients.create(newPatient(), options);
  await api.patients.get(id, options);
  await api.patients.update(id, { age: 1 }, options);
  await api.patients.replace(id, { age: 2 }, options);
  await api.patients.list({ limit: 1 }, options).first();
  await api.patients.history(id, {}, options).first();
  await api.assignments.ofPatient(id, options);
  await api.patients.exportAs("csv", options);
  await Array.fromAsync(api.patients.export(options));
  await api.patients.import([newPatient()], options);
  await api.patients.delete(id, options);
  await api.patients.restore(id, options);
  await api.sessions.list(options);
  await api.health(options);
  await api.readiness(options);
  expect(ids).toEqual(Array.from({ length: 15 }, () => expect.any(String)));
  expect(new Set(ids).size).toBe(15);
});

test("onResponse of a list is called for each page", async () => {
  const account = await signUp(served.origin);
  for (let i = 0; i < 3; i += 1) await account.patients.create(newPatient());
  const links: boolean[] = [];
  const onResponse = ({ headers }: IncomingResponse) => links.push(headers.has("Link"));
  await account.patients.list({ limit: 1 }, { onResponse }).toArray();
  expect(links).toEqual([true, true, false]);
});

test.each(["onRequest", "onResponse"])(
  "a %s that throws or rejects fails the call with its error, and it is not sent again",
  async (name) => {
    const failure = new Error("no tracer");
    const throwing = () => {
      throw failure;
    };
    for (const hook of [throwing, () => Promise.reject(failure)]) {
      const gateway = await openGateway(served.origin);
      const client = createClient({ url: gateway.origin, tokens, retry, [name]: hook });
      await expect(client.me()).rejects.toBe(failure);
      await expect(api.me({ [name]: hook })).rejects.toBe(failure);
      expect(gateway.requests).toHaveLength(name === "onRequest" ? 0 : 1);
    }
  },
);

test("a hook that throws during a refresh fails the call with its error, and the session stays", async () => {
  const failure = new Error("no tracer");
  const onRequest = vi.fn(() => Promise.reject(failure));
  const client = createClient({ url: served.origin, tokens: { ...tokens, expiresAt: 0 }, onRequest });
  await expect(client.me()).rejects.toBe(failure);
  expect(client.tokens).toEqual({ ...tokens, expiresAt: 0 });
  expect(onRequest).toHaveBeenCalledTimes(1);
});

test("an abort ends a call whose hook does not end", async () => {
  const reason = new Error("the page was left");
  const page = new AbortController();
  const onRequest = () => {
    queueMicrotask(() => page.abort(reason));
    return new Promise(() => {});
  };
  await expect(api.me({ onRequest, signal: page.signal })).rejects.toBe(reason);
});
