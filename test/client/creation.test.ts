import { afterAll, expect, test } from "vitest";
import { createClient, etagOf } from "../../client/index.ts";
import { serveApi } from "../support/serve-api.ts";
import { openFront } from "./front.ts";
import { newDoctor, newPatient, signUp } from "./support.ts";

const served = await serveApi();
afterAll(() => served.stop());
const api = await signUp(served.origin);

test.each(["drop-after", "truncate"] as const)(
  "What was created unheard (%s) is created once",
  async (mishap) => {
    const front = await openFront(served.origin, mishap, "pass", mishap, "pass", mishap);
    const client = createClient({ url: front.origin, tokens: api.tokens, retry: { delay: 20 } });
    const patient = await client.patients.create(newPatient());
    expect(etagOf(patient)).toBe('"1"');
    const doctor = await client.doctors.create(newDoctor());
    const assignment = await client.assignments.create({ patient: patient.id, doctor: doctor.id });
    expect(front.seen).toHaveLength(6);
    const assignments = await Array.fromAsync(api.assignments.list({ patient: patient.id }));
    expect(assignments.map(({ id }) => id)).toEqual([assignment.id]);
  },
);

test("The same key and data again from the caller give the first answer, other data a problem of 422", async () => {
  const idempotencyKey = crypto.randomUUID();
  const sent = newPatient();
  const first = await api.patients.create(sent, { idempotencyKey });
  expect(await api.patients.create(sent, { idempotencyKey })).toEqual(first);
  const other = api.patients.create({ ...sent, age: 1 }, { idempotencyKey });
  await expect(other).rejects.toMatchObject({ status: 422 });
});

test("A list filters and sorts, and its pages go on with the same", async () => {
  const account = await signUp(served.origin);
  for (const lastname of ["Lovelace", "Løvås", "Hopper", "LOVELL"])
    await account.patients.create(newPatient({ lastname }));
  const found = account.patients.list({ search: "lov", sort: "-lastname", limit: 1 });
  expect((await Array.fromAsync(found)).map(({ lastname }) => lastname)).toEqual([
    "LOVELL",
    "Lovelace",
    "Løvås",
  ]);
  expect(await Array.fromAsync(account.patients.list({ min_age: 37 }))).toEqual([]);
  const mistaken = account.patients.list({ limit: 201 })[Symbol.asyncIterator]();
  await expect(mistaken.next()).rejects.toMatchObject({
    status: 400,
    errors: { limit: [expect.any(String)] },
  });
});
