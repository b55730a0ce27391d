import { afterAll, expect, test } from "vitest";
import { createClient, type RetryOptions } from "../../client/index.ts";
import { serveApi } from "../support/serve-api.ts";
import { badGateway, type Fault, openGateway } from "./gateway.ts";
import { newDoctor, newPatient, signUp, slowDatabase } from "./support.ts";

const served = await serveApi(slowDatabase);
afterAll(() => served.stop());
const api = await signUp(served.origin);

/** A client with a session behind a gateway that applies one fault to each of its first requests. */
async function through(faults: Fault[], retry: RetryOptions = { delay: 1 }) {
  const gateway = await openGateway(served.origin, ...faults);
  return { gateway, client: createClient({ url: gateway.origin, tokens: api.tokens, retry }) };
}

const retried: Fault[] = [
  "drop-before",
  "drop-after",
  "truncate",
  badGateway,
  { status: 503 },
  { status: 504 },
  { status: 429 },
];

test.each(retried)("a GET is sent again after %j", async (fault) => {
  const { gateway, client } = await through([fault, fault]);
  expect(await client.me()).toEqual(await api.me());
  expect(gateway.requests).toHaveLength(3);
});

test.each([400, 401, 403, 404, 409, 413, 422, 500])("a GET is not sent again after %i", async (status) => {
  const { gateway, client } = await through([{ status }]);
  await expect(client.me()).rejects.toMatchObject({ status, title: `HTTP ${status}` });
  expect(gateway.requests).toHaveLength(1);
});

test("a create is sent again with the same idempotency key and body; each call has its own key", async () => {
  const { gateway, client } = await through(["drop-before", badGateway]);
  const patient = await client.patients.create(newPatient());
  await client.assignments.create({
    patient: patient.id,
    doctor: (await api.doctors.create(newDoctor())).id,
  });
  const keys = gateway.requests.map(({ headers }) => headers["idempotency-key"]);
  expect(keys).toEqual([keys[0], keys[0], keys[0], expect.stringMatching(/^[\da-f-]{36}$/)]);
  expect(keys[3]).not.toBe(keys[0]);
  expect(new Set(gateway.requests.slice(0, 3).map(({ body }) => body)).size).toBe(1);
});

test("idempotencyKey sets the Idempotency-Key header", async () => {
  const { gateway, client } = await through([]);
  await client.patients.create(newPatient(), { idempotencyKey: "form-7" });
  expect(gateway.requests[0]?.headers["idempotency-key"]).toBe("form-7");
});

test.each(["PUT", "PATCH"])(
  "%s with ifMatch whose answer is lost is sent again and returns the changed record",
  async (method) => {
    const patient = await api.patients.create(newPatient());
    const path = `/api/patients/${patient.id}/`;
    const { gateway, client } = await through(["drop-after"]);
    const change = method === "PUT" ? client.patients.replace : client.patients.update;
    // The API trims strings and stores emails in NFC, so the stored values differ from those that were sent.
    const changes = { age: 40, firstname: " Augusta ", email: `mu\u0308ller.${method}@example.org` };
    const changed = await change(patient.id, changes, { ifMatch: patient });
    const stored = { age: 40, firstname: "Augusta", email: `m\u00fcller.${method}@example.org` };
    expect(changed).toMatchObject({ id: patient.id, ...stored });
    const expected = [`${method} ${path}`, `${method} ${path}`, `GET ${path}`];
    expect(gateway.requests.map(({ line }) => line)).toEqual(expected);
  },
);

test.each(["PUT", "PATCH"])(
  "%s without ifMatch is not sent again: it could overwrite another change",
  async (method) => {
    const { id } = await api.patients.create(newPatient());
    const { gateway, client } = await through(["drop-after"]);
    const change = method === "PUT" ? client.patients.replace : client.patients.update;
    await expect(change(id, { age: 40 })).rejects.toMatchObject({ name: "ProblemError", status: 0 });
    expect(gateway.requests).toHaveLength(1);
  },
);

test.each([
  ["write_conflict", "40P01"],
  ["database_busy", "55P03"],
])("a change without ifMatch that gets %s is sent again, because nothing was changed", async (_, code) => {
  const { id } = await api.patients.create(newPatient());
  await served.disturbDatabase({ fault: "sqlstate", code, times: 2 });
  const { gateway, client } = await through([]);
  gateway.zeroRetryAfter();
  expect(await client.patients.update(id, { age: 40 })).toMatchObject({ id, age: 40 });
  const path = `PATCH /api/patients/${id}/`;
  expect(gateway.requests.map(({ line }) => line)).toEqual([path, path, path]);
});

test("a change that gets write_conflict with every attempt throws it after the last one", async () => {
  const { id } = await api.patients.create(newPatient());
  await served.disturbDatabase({ fault: "sqlstate", code: "40P01", times: 2 });
  const { gateway, client } = await through([], { attempts: 2, delay: 1 });
  await expect(client.patients.update(id, { age: 40 })).rejects.toMatchObject({
    status: 409,
    code: "write_conflict",
  });
  expect(gateway.requests).toHaveLength(2);
});

test("a change without ifMatch that gets database_unavailable is not sent again: it may have been made", async () => {
  const { id } = await api.patients.create(newPatient());
  await served.disturbDatabase({ fault: "drop-after", times: 1 });
  const { gateway, client } = await through([]);
  await expect(client.patients.update(id, { age: 40 })).rejects.toMatchObject({
    status: 503,
    code: "database_unavailable",
  });
  expect(gateway.requests).toHaveLength(1);
});

test("a deletion whose answer is lost is sent again and succeeds, although the API then says 404", async () => {
  const { id } = await api.patients.create(newPatient());
  const { gateway, client } = await through(["drop-after"]);
  await client.patients.delete(id);
  expect(gateway.requests).toHaveLength(2);
  await expect(client.patients.get(id)).rejects.toMatchObject({ status: 404 });
});

test.each([[[]], [[{ status: 429 }]]])(
  "a deletion of a record that never existed throws 404, after %j too",
  async (faults) => {
    const { client } = await through(faults);
    await expect(client.patients.delete(2_000_000_000)).rejects.toMatchObject({ status: 404 });
  },
);

test("a change that the database committed without an answer is sent again after the API's Retry-After, and succeeds", async () => {
  const patient = await api.patients.create(newPatient());
  await served.disturbDatabase({ fault: "drop-after", times: 1 });
  const { gateway, client } = await through([]);
  gateway.zeroRetryAfter();
  expect(await client.patients.update(patient.id, { age: 41 }, { ifMatch: patient })).toMatchObject({
    age: 41,
  });
  const path = `/api/patients/${patient.id}/`;
  expect(gateway.requests.map(({ line, retryAfter }) => [line, retryAfter])).toEqual([
    [`PATCH ${path}`, "5"],
    [`PATCH ${path}`, undefined],
    [`GET ${path}`, undefined],
  ]);
});

test("a request without an answer is aborted after the timeout", async () => {
  const { client } = await through(["hang"], { attempts: 1, timeout: 50 });
  await expect(client.me()).rejects.toMatchObject({ status: 0, cause: { name: "TimeoutError" } });
});

test("a caller's abort ends a request without an answer, and it is not sent again", async () => {
  const { gateway, client } = await through(["hang"]);
  const reason = new Error("the page was left");
  const page = new AbortController();
  const received = gateway.reached("received");
  const call = client.me({ signal: page.signal });
  call.catch(() => {});
  await received;
  page.abort(reason);
  await expect(call).rejects.toBe(reason);
  expect(gateway.requests).toHaveLength(1);
});
