import { afterAll, expect, onTestFinished, test, vi } from "vitest";
import { createClient } from "../../client/index.ts";
import { serveApi } from "../support/serve-api.ts";
import { badGateway, type Mishap, openFront } from "./front.ts";
import { newDoctor, newPatient, signUp } from "./support.ts";

const served = await serveApi();
afterAll(() => served.stop());
const api = await signUp(served.origin);

const quick = { delay: 20, deadline: 10_000 };

/** A client with a session, whose requests befall these mishaps, one each. */
async function through(mishaps: Mishap[], retry: object = quick) {
  const front = await openFront(served.origin, ...mishaps);
  return { front, client: createClient({ url: front.origin, tokens: api.tokens, retry }) };
}

const passing: Mishap[] = [
  "drop-before",
  "drop-after",
  "truncate",
  badGateway,
  { status: 503 },
  { status: 504 },
  { status: 429 },
];

test.each(passing)("Reading is tried again after %j", async (mishap) => {
  const { front, client } = await through([mishap, mishap]);
  expect(await client.me()).toEqual(await api.me());
  expect(front.seen).toHaveLength(3);
});

test.each([400, 401, 403, 404, 409, 413, 422, 500])("Nothing is tried again after %i", async (status) => {
  const { front, client } = await through([{ status }]);
  await expect(client.me()).rejects.toMatchObject({ status, title: `HTTP ${status}` });
  expect(front.seen).toHaveLength(1);
});

test("What is created is sent again with the same key and body, each call with a key of its own", async () => {
  const { front, client } = await through(["drop-before", badGateway]);
  const patient = await client.patients.create(newPatient());
  await client.assignments.create({
    patient: patient.id,
    doctor: (await api.doctors.create(newDoctor())).id,
  });
  const keys = front.seen.map(({ headers }) => headers["idempotency-key"]);
  expect(keys).toEqual([keys[0], keys[0], keys[0], expect.stringMatching(/^[\da-f-]{36}$/)]);
  expect(keys[3]).not.toBe(keys[0]);
  expect(new Set(front.seen.slice(0, 3).map(({ body }) => body)).size).toBe(1);
});

test("The caller may give the key", async () => {
  const { front, client } = await through([]);
  await client.patients.create(newPatient(), { idempotencyKey: "form-7" });
  expect(front.seen[0]?.headers["idempotency-key"]).toBe("form-7");
});

test.each(["PUT", "PATCH"])("%s is sent again when its answer was lost", async (method) => {
  const patient = await api.patients.create(newPatient());
  const path = `/api/patients/${patient.id}/`;
  const { front, client } = await through(["drop-after"]);
  const change = method === "PUT" ? client.patients.replace : client.patients.update;
  // Texts are kept trimmed.
  const changes = { age: 40, firstname: " Augusta " };
  const changed = await change(patient.id, changes, { ifMatch: patient });
  expect(changed).toMatchObject({ id: patient.id, age: 40, firstname: "Augusta" });
  const own = [`${method} ${path}`, `${method} ${path}`, `GET ${path}`];
  expect(front.seen.map(({ line }) => line)).toEqual(own);
});

test.each(["PUT", "PATCH"])(
  "%s without a version is not sent again: it could undo somebody else's",
  async (method) => {
    const { id } = await api.patients.create(newPatient());
    const { front, client } = await through(["drop-after"]);
    const change = method === "PUT" ? client.patients.replace : client.patients.update;
    await expect(change(id, { age: 40 })).rejects.toMatchObject({ name: "ProblemError", status: 0 });
    expect(front.seen).toHaveLength(1);
  },
);

test("A deletion whose answer was lost is done when the record is not there any more", async () => {
  const { id } = await api.patients.create(newPatient());
  const { front, client } = await through(["drop-after"]);
  await client.patients.delete(id);
  expect(front.seen).toHaveLength(2);
  await expect(client.patients.get(id)).rejects.toMatchObject({ status: 404 });
});

test.each([[[]], [[{ status: 429 }]]])(
  "A deletion of what was never there is a 404, after %j",
  async (mishaps) => {
    const { client } = await through(mishaps);
    await expect(client.patients.delete(2_000_000_000)).rejects.toMatchObject({ status: 404 });
  },
);

test("A change that the database made, but could not say so, goes through", async () => {
  const patient = await api.patients.create(newPatient());
  await served.disturbDatabase({ fault: "drop-after", times: 1 });
  const started = performance.now();
  expect(await api.patients.update(patient.id, { age: 41 }, { ifMatch: patient })).toMatchObject({ age: 41 });
  expect(performance.now() - started).toBeGreaterThan(5000); // the API's Retry-After
});

test.each([
  ["seconds", () => "1", 1000],
  ["a date", () => new Date(Date.now() + 2000).toUTCString(), 900],
])("Retry-After in %s is waited", async (_, retryAfter, least) => {
  const { front, client } = await through([{ status: 429, headers: { "Retry-After": retryAfter() } }]);
  await client.me();
  const [first, second] = front.seen.map(({ at }) => at) as [number, number];
  expect(second - first).toBeGreaterThanOrEqual(least);
  expect(second - first).toBeLessThan(3000);
});

test("When Retry-After is longer than there is time for, the problem says so at once", async () => {
  const { front, client } = await through([{ status: 429, headers: { "Retry-After": "60" } }]);
  await expect(client.me()).rejects.toMatchObject({ status: 429, retryAfter: 60 });
  expect(front.seen).toHaveLength(1);
});

test.each([
  ["the longest", 0.99, [40, 80, 100, 100, 100]],
  ["none", 0, [0, 0, 0, 0, 0]],
])(
  "It is tried as often as asked for, with pauses that grow to the longest: at random, here %s",
  async (_, chance, most) => {
    vi.spyOn(Math, "random").mockReturnValue(chance);
    onTestFinished(() => void vi.restoreAllMocks());
    const { front, client } = await through(Array(6).fill(badGateway), {
      attempts: 6,
      delay: 40,
      maxDelay: 100,
    });
    await expect(client.me()).rejects.toMatchObject({ status: 502 });
    expect(front.seen).toHaveLength(6);
    const pauses = front.seen.slice(1).map(({ at }, i) => at - (front.seen[i]?.at ?? 0));
    for (const [i, pause] of pauses.entries())
      expect(pause).toBeGreaterThanOrEqual((most[i] ?? 0) * chance - 2);
    const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
    expect(sum(pauses)).toBeLessThan(sum(most) + 400); // without a longest pause it would be 1,240 ms
  },
);

test("One attempt takes no longer than its timeout, and all of them no longer than the deadline", async () => {
  const hanging = await through(["hang"], { ...quick, timeout: 200 });
  expect(await hanging.client.me()).toEqual(await api.me());
  const { client } = await through(Array(9).fill("hang"), {
    attempts: 9,
    delay: 20,
    timeout: 200,
    deadline: 500,
  });
  const started = performance.now();
  const problem = await client.me().catch((error: unknown) => error);
  expect(performance.now() - started).toBeLessThan(1500); // nine attempts would take 1,800 ms
  expect(problem).toMatchObject({ status: 0, cause: { name: "TimeoutError" } });
});

test("An abort ends a call at once: before it, in a request, and in a pause", async () => {
  const { front, client } = await through(["hang", { status: 429, headers: { "Retry-After": "5" } }]);
  const reason = new Error("the page was left");
  await expect(client.me({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(front.seen).toHaveLength(0);
  for (const requests of [1, 2]) {
    const leaving = new AbortController();
    const call = client.me({ signal: leaving.signal });
    setTimeout(() => leaving.abort(reason), 200);
    const started = performance.now();
    await expect(call).rejects.toBe(reason);
    expect(performance.now() - started).toBeLessThan(1000);
    expect(front.seen).toHaveLength(requests);
  }
});
