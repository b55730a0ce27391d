import { afterAll, expect, test } from "vitest";
import { createClient, etagOf } from "../../client/index.ts";
import { serveApi } from "../support/serve-api.ts";
import { openFront } from "./front.ts";
import { newDoctor, newPatient, signUp } from "./support.ts";

const served = await serveApi();
afterAll(() => served.stop());
const api = await signUp(served.origin);

test("A record has a version when it was read or written by itself", async () => {
  const patient = await api.patients.create(newPatient());
  const versions = [
    patient,
    await api.patients.get(patient.id),
    await api.patients.update(patient.id, { age: 37 }),
    await api.patients.replace(patient.id, { age: 38 }),
  ].map(etagOf);
  expect(versions).toEqual(['"1"', '"1"', '"2"', '"3"']);
  for await (const listed of api.patients.list()) expect(etagOf(listed)).toBeUndefined();
  expect(etagOf(await api.doctors.create(newDoctor()))).toBe('"1"');
});

test("A change or deletion of what somebody has changed since is a problem of 412", async () => {
  const seen = await api.patients.create(newPatient());
  const current = await api.patients.update(seen.id, { age: 37 }, { ifMatch: seen });
  const outdated = { status: 412, detail: expect.stringContaining("read it again") };
  await expect(api.patients.update(seen.id, { age: 38 }, { ifMatch: seen })).rejects.toMatchObject(outdated);
  await expect(api.patients.delete(seen.id, { ifMatch: etagOf(seen) })).rejects.toMatchObject(outdated);
  await api.patients.delete(seen.id, { ifMatch: current });
});

test("A record whose version is not known cannot be what a change depends on", async () => {
  const patient = await api.patients.create(newPatient());
  const copy = { ...patient };
  await expect(api.patients.update(patient.id, { age: 37 }, { ifMatch: copy })).rejects.toThrow(TypeError);
  await expect(api.patients.delete(patient.id, { ifMatch: copy })).rejects.toThrow("get() it first");
  expect(await api.patients.get(patient.id)).toEqual(patient);
});

test("A record that is as it was is not sent again: it is given back itself", async () => {
  const { id } = await api.patients.create(newPatient());
  const front = await openFront(served.origin);
  const client = createClient({ url: front.origin, tokens: api.tokens });
  const first = await client.patients.get(id);
  expect(await client.patients.get(id, { ifNoneMatch: first })).toBe(first);
  expect(front.seen[1]?.headers["if-none-match"]).toBe(etagOf(first));
  await api.patients.update(id, { age: 37 });
  const second = await client.patients.get(id, { ifNoneMatch: first });
  expect(second).toEqual({ ...first, age: 37, updated_at: expect.any(String) });
  expect(etagOf(second)).not.toBe(etagOf(first));
});

test("A change whose answer was lost is not taken for somebody else's", async () => {
  const seen = await api.patients.create(newPatient());
  const front = await openFront(served.origin, "drop-after");
  const client = createClient({ url: front.origin, tokens: api.tokens, retry: { delay: 20 } });
  const changed = await client.patients.update(seen.id, { ...seen, age: 37 }, { ifMatch: etagOf(seen) });
  expect(changed).toMatchObject({ age: 37 });
  expect(etagOf(changed)).toBe('"2"');
  expect(front.seen).toHaveLength(3);
});

test("A change that did not get to the API before somebody else's did is a problem of 412", async () => {
  const seen = await api.patients.create(newPatient());
  const front = await openFront(served.origin, "drop-before");
  const client = createClient({ url: front.origin, tokens: api.tokens, retry: { delay: 20 } });
  await api.patients.update(seen.id, { age: 99 });
  const late = client.patients.update(seen.id, { age: 37 }, { ifMatch: etagOf(seen) });
  await expect(late).rejects.toMatchObject({ status: 412 });
  expect(await api.patients.get(seen.id)).toMatchObject({ age: 99 });
});

test("A deletion whose answer was lost is done, on a condition too", async () => {
  const seen = await api.patients.create(newPatient());
  const front = await openFront(served.origin, "drop-after");
  const client = createClient({ url: front.origin, tokens: api.tokens, retry: { delay: 20 } });
  await client.patients.delete(seen.id, { ifMatch: etagOf(seen) });
  expect(front.seen).toHaveLength(2);
});

test("An empty text is no version: a change that has one is not sent, for it would be unconditional", async () => {
  const { id } = await api.patients.create(newPatient());
  await expect(api.patients.update(id, { age: 1 }, { ifMatch: "" })).rejects.toThrow(TypeError);
  expect(await api.patients.get(id)).toMatchObject({ age: 36 });
});
