import { afterAll, expect, test } from "vitest";
import { createClient, etagOf } from "../../client/index.ts";
import { serveApi } from "../support/serve-api.ts";
import { openGateway } from "./gateway.ts";
import { newDoctor, newPatient, signUp, slowDatabase } from "./support.ts";

const served = await serveApi(slowDatabase);
afterAll(() => served.stop());
const api = await signUp(served.origin);

test.each(["drop-after", "truncate"] as const)(
  "a create whose answer is lost (%s) is sent again and creates one record",
  async (fault) => {
    const gateway = await openGateway(served.origin, fault, "pass", fault, "pass", fault);
    const client = createClient({ url: gateway.origin, tokens: api.tokens, retry: { delay: 1 } });
    const patient = await client.patients.create(newPatient());
    expect(etagOf(patient)).toBe('"1"');
    const doctor = await client.doctors.create(newDoctor());
    const assignment = await client.assignments.create({ patient: patient.id, doctor: doctor.id });
    expect(gateway.requests).toHaveLength(6);
    const assignments = await Array.fromAsync(api.assignments.list({ patient: patient.id }));
    expect(assignments.map(({ id }) => id)).toEqual([assignment.id]);
  },
);

test("a second create with the same idempotency key returns the first record; with other data it throws 422", async () => {
  const idempotencyKey = crypto.randomUUID();
  const sent = newPatient();
  const first = await api.patients.create(sent, { idempotencyKey });
  expect(await api.patients.create(sent, { idempotencyKey })).toEqual(first);
  const reuse = api.patients.create({ ...sent, age: 1 }, { idempotencyKey });
  await expect(reuse).rejects.toMatchObject({ status: 422 });
});

test("a list filters and sorts; all its pages use the same filters and order", async () => {
  const account = await signUp(served.origin);
  for (const lastname of ["Lovelace", "Løvås", "Hopper", "LOVELL"])
    await account.patients.create(newPatient({ lastname }));
  const matches = account.patients.list({ search: "lov", sort: "-lastname", limit: 1 });
  expect((await Array.fromAsync(matches)).map(({ lastname }) => lastname)).toEqual([
    "LOVELL",
    "Lovelace",
    "Løvås",
  ]);
  expect(await Array.fromAsync(account.patients.list({ min_age: 37 }))).toEqual([]);
  const invalid = account.patients.list({ limit: 201 })[Symbol.asyncIterator]();
  await expect(invalid.next()).rejects.toMatchObject({
    status: 400,
    errors: { limit: [expect.any(String)] },
  });
});
