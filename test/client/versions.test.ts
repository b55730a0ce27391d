import { afterAll, expect, test } from "vitest";
import { createClient, etagOf, type Patient } from "../../client/index.ts";
import { serveApi } from "../support/serve-api.ts";
import { openGateway } from "./gateway.ts";
import { newDoctor, newPatient, signUp, slowDatabase } from "./support.ts";

const served = await serveApi(slowDatabase);
afterAll(() => served.stop());
const api = await signUp(served.origin);

test("etagOf returns the ETag of a record, also of one from a list or an export, and undefined for what has no version", async () => {
  const patient = await api.patients.create(newPatient());
  const versions = [
    patient,
    await api.patients.get(patient.id),
    await api.patients.update(patient.id, { age: 37 }),
    await api.patients.replace(patient.id, { age: 38 }),
  ].map(etagOf);
  expect(versions).toEqual(['"1"', '"1"', '"2"', '"3"']);
  for await (const listed of api.patients.list()) expect(etagOf(listed)).toBe('"3"');
  for await (const exported of api.patients.export()) expect(etagOf(exported)).toBe('"3"');
  const withoutVersion = [{}, { version: null }, { version: "3" }, { version: 1.5 }, []];
  expect(withoutVersion.map(etagOf)).toEqual(withoutVersion.map(() => undefined));
  expect(etagOf(await api.doctors.create(newDoctor()))).toBe('"1"');
});

test("a change or deletion with an outdated ifMatch throws 412", async () => {
  const original = await api.patients.create(newPatient());
  const current = await api.patients.update(original.id, { age: 37 }, { ifMatch: original });
  const outdated = { status: 412, code: "precondition_failed" };
  await expect(api.patients.update(original.id, { age: 38 }, { ifMatch: original })).rejects.toMatchObject(
    outdated,
  );
  await expect(api.patients.delete(original.id, { ifMatch: etagOf(original) })).rejects.toMatchObject(
    outdated,
  );
  await api.patients.delete(original.id, { ifMatch: current });
});

/** What programs and state libraries do to a record: frozen as by immer, a proxy as by Vue and MobX. */
const copies: Record<string, (record: Patient) => Patient> = {
  "a copy": (record) => ({ ...record }),
  "a structured clone": structuredClone,
  "JSON that was parsed": (record) => JSON.parse(JSON.stringify(record)),
  "a copy with another value, frozen": (record) => Object.freeze({ ...record, age: 40 }),
  "a proxy": (record) => new Proxy(record, {}),
};

test.each(Object.entries(copies))("ifMatch and ifNoneMatch take %s of a record", async (_, copyOf) => {
  const original = await api.patients.create(newPatient());
  const copy = copyOf(original);
  expect(await api.patients.get(original.id, { ifNoneMatch: copy })).toBe(copy);
  const changed = await api.patients.replace(original.id, { ...copy, age: 41 }, { ifMatch: copy });
  expect(changed).toMatchObject({ id: original.id, age: 41, version: 2 });
  const outdated = api.patients.update(original.id, { age: 42 }, { ifMatch: copy });
  await expect(outdated).rejects.toMatchObject({ status: 412 });
  await expect(api.patients.delete(original.id, { ifMatch: copy })).rejects.toMatchObject({ status: 412 });
  await api.patients.delete(original.id, { ifMatch: copyOf(changed) });
});

test("ifMatch takes a record from a list", async () => {
  const { id } = await api.patients.create(newPatient());
  for await (const listed of api.patients.list({ sort: "-id", limit: 1 })) {
    expect(listed.id).toBe(id);
    const changed = await api.patients.update(id, { age: 37 }, { ifMatch: listed });
    expect(changed.version).toBe(2);
    break;
  }
  expect.assertions(2);
});

test("ifMatch with an object without a version throws a TypeError and changes nothing", async () => {
  const patient = await api.patients.create(newPatient());
  const { version: _, ...withoutVersion } = patient;
  const ifMatch = withoutVersion as Patient;
  await expect(api.patients.update(patient.id, { age: 37 }, { ifMatch })).rejects.toThrow(TypeError);
  await expect(api.patients.delete(patient.id, { ifMatch })).rejects.toThrow("read it with get() first");
  expect(await api.patients.get(patient.id)).toEqual(patient);
});

test("get with ifNoneMatch returns the same object when the record has not changed, else the new record", async () => {
  const { id } = await api.patients.create(newPatient());
  const gateway = await openGateway(served.origin);
  const client = createClient({ url: gateway.origin, tokens: api.tokens });
  const first = await client.patients.get(id);
  expect(await client.patients.get(id, { ifNoneMatch: first })).toBe(first);
  expect(gateway.requests[1]?.headers["if-none-match"]).toBe(etagOf(first));
  await api.patients.update(id, { age: 37 });
  const second = await client.patients.get(id, { ifNoneMatch: first });
  expect(second).toEqual({ ...first, age: 37, updated_at: expect.any(String), version: 2 });
  expect(etagOf(second)).not.toBe(etagOf(first));
});

test("a conditional change whose answer is lost is sent again and returns the changed record", async () => {
  const address = { country: "GB", city: "London" } as const;
  const original = await api.patients.create(newPatient({ phones: ["+442079460958"], address }));
  const gateway = await openGateway(served.origin, "drop-after");
  const client = createClient({ url: gateway.origin, tokens: api.tokens, retry: { delay: 1 } });
  const changed = await client.patients.update(
    original.id,
    {
      ...original,
      phones: ["+44 20 7946-0959"],
      age: 37,
      address: { ...address, lines: ["12 St James's Square"] },
    },
    { ifMatch: etagOf(original) },
  );
  expect(changed).toMatchObject({ age: 37 });
  expect(etagOf(changed)).toBe('"2"');
  expect(gateway.requests).toHaveLength(3);
});

test("a conditional change that reaches the API only after another change throws 412", async () => {
  const original = await api.patients.create(newPatient());
  const gateway = await openGateway(served.origin, "drop-before");
  const client = createClient({ url: gateway.origin, tokens: api.tokens, retry: { delay: 1 } });
  await api.patients.update(original.id, { age: 99 });
  const late = client.patients.update(original.id, { age: 37 }, { ifMatch: etagOf(original) });
  await expect(late).rejects.toMatchObject({ status: 412 });
  expect(await api.patients.get(original.id)).toMatchObject({ age: 99 });
});

test("a conditional deletion whose answer is lost is sent again and succeeds", async () => {
  const original = await api.patients.create(newPatient());
  const gateway = await openGateway(served.origin, "drop-after");
  const client = createClient({ url: gateway.origin, tokens: api.tokens, retry: { delay: 1 } });
  await client.patients.delete(original.id, { ifMatch: etagOf(original) });
  expect(gateway.requests).toHaveLength(2);
});

test("an empty ifMatch throws a TypeError: the change would be unconditional", async () => {
  const { id } = await api.patients.create(newPatient());
  await expect(api.patients.update(id, { age: 1 }, { ifMatch: "" })).rejects.toThrow(TypeError);
  expect(await api.patients.get(id)).toMatchObject({ age: 36 });
});
