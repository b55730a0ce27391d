import { afterAll, expect, test } from "vitest";
import { createClient, ProblemError } from "../../client/index.ts";
import { serveApi } from "../support/serve-api.ts";
import { openFront } from "./front.ts";
import { newPatient, signUp } from "./support.ts";

const served = await serveApi();
afterAll(() => served.stop());

const newPatients = (count: number) => Array.from({ length: count }, () => newPatient());

test("What is imported is exported, as it arrives, and written down in either format", async () => {
  const api = await signUp(served.origin);
  const sent = newPatients(900);
  const { created, refused } = await api.patients.import(sent);
  expect([created.length, refused]).toEqual([900, []]);
  const exported = await Array.fromAsync(api.patients.export());
  expect(exported).toMatchObject(sent);
  expect(exported[0]).toEqual(await api.patients.get(created[0]?.id ?? 0));
  const ndjson = await new Response(await api.patients.exportAs("ndjson")).text();
  expect(
    ndjson
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual(exported);
  const csv = await new Response(await api.patients.exportAs("csv")).text();
  expect(csv.split("\r\n")).toHaveLength(900 + 2);
  const other = await signUp(served.origin);
  await other.patients.import({ ndjson });
  const third = await signUp(served.origin);
  await third.patients.import({ csv: csv.split("\r\n").slice(0, 11).join("\r\n") });
  expect(await Array.fromAsync(other.patients.export())).toMatchObject(sent);
  expect(await Array.fromAsync(third.patients.export())).toMatchObject(sent.slice(0, 10));
});

test("Of what is not all valid, all or only that is refused, as asked for", async () => {
  const api = await signUp(served.origin);
  const sent = [newPatient(), newPatient({ age: 121 }), newPatient()];
  const refused = { status: 400, errors: { "2.age": [expect.stringContaining("120")] } };
  await expect(api.patients.import(sent)).rejects.toMatchObject(refused);
  expect(await Array.fromAsync(api.patients.export())).toEqual([]);
  expect(await api.patients.import(sent, { partial: true })).toEqual({
    created: [
      { line: 1, id: expect.any(Number) },
      { line: 3, id: expect.any(Number) },
    ],
    refused: [{ line: 2, errors: { age: [expect.stringContaining("120")] } }],
  });
});

test("What was imported unheard is imported once", async () => {
  const api = await signUp(served.origin);
  const front = await openFront(served.origin, "drop-after", "truncate");
  const client = createClient({ url: front.origin, tokens: api.tokens, retry: { delay: 20 } });
  const { created } = await client.patients.import(newPatients(3));
  expect(front.seen).toHaveLength(3);
  expect((await Array.fromAsync(api.patients.export())).map(({ id }) => id)).toEqual(
    created.map(({ id }) => id),
  );
});

test("An export that breaks off throws a problem after what it gave, and one that is left ends", async () => {
  const api = await signUp(served.origin);
  await api.patients.import(newPatients(100));
  const front = await openFront(served.origin, "truncate");
  const client = createClient({ url: front.origin, tokens: api.tokens });
  const seen: number[] = [];
  const reading = (async () => {
    for await (const { id } of client.patients.export()) seen.push(id);
  })();
  const problem = await reading.catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(ProblemError);
  expect(problem).toMatchObject({ status: 0 });
  expect(seen.length).toBeLessThan(100);
  for await (const _ of client.patients.export()) break;
  const leaving = new AbortController();
  const aborted = (async () => {
    for await (const _ of api.patients.export({ signal: leaving.signal })) leaving.abort(new Error("left"));
  })();
  await expect(aborted).rejects.toThrow("left");
});
