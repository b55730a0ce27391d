import { afterAll, expect, test } from "vitest";
import { createClient, ProblemError } from "../../client/index.ts";
import { serveApi } from "../support/serve-api.ts";
import { openGateway } from "./gateway.ts";
import { newPatient, signUp, slowDatabase } from "./support.ts";

const served = await serveApi(slowDatabase);
afterAll(() => served.stop());

const newPatients = (count: number) => Array.from({ length: count }, () => newPatient());

test("imported patients are exported as records, as NDJSON and as CSV, and both texts can be imported again", async () => {
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
  const bytes = await new Response(await api.patients.exportAs("csv")).arrayBuffer();
  expect([...new Uint8Array(bytes).slice(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
  const csv = await new Response(await api.patients.exportAs("csv", { bom: false })).text();
  expect(new TextEncoder().encode(csv)).toEqual(new Uint8Array(bytes).slice(3));
  expect(csv.split("\r\n")).toHaveLength(900 + 2);
  const other = await signUp(served.origin);
  await other.patients.import({ ndjson });
  const third = await signUp(served.origin);
  await third.patients.import({ csv: csv.split("\r\n").slice(0, 11).join("\r\n") });
  expect(await Array.fromAsync(other.patients.export())).toMatchObject(sent);
  expect(await Array.fromAsync(third.patients.export())).toMatchObject(sent.slice(0, 10));
});

test("an import with an invalid record creates nothing; with partial it creates the valid records and reports the other", async () => {
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
    refused: [
      { line: 2, errors: { age: [expect.stringContaining("120")] }, error_codes: { age: ["too_big"] } },
    ],
  });
});

test("an import whose answer is lost is sent again and creates each patient once", async () => {
  const api = await signUp(served.origin);
  const gateway = await openGateway(served.origin, "drop-after", "truncate");
  const client = createClient({ url: gateway.origin, tokens: api.tokens, retry: { delay: 1 } });
  const { created } = await client.patients.import(newPatients(3));
  expect(gateway.requests).toHaveLength(3);
  expect((await Array.fromAsync(api.patients.export())).map(({ id }) => id)).toEqual(
    created.map(({ id }) => id),
  );
});

test("a truncated export throws a ProblemError after the records it received; an export ends on break and on abort", async () => {
  const api = await signUp(served.origin);
  await api.patients.import(newPatients(100));
  const gateway = await openGateway(served.origin, "truncate");
  const client = createClient({ url: gateway.origin, tokens: api.tokens });
  const ids: number[] = [];
  const reading = (async () => {
    for await (const { id } of client.patients.export()) ids.push(id);
  })();
  const problem = await reading.catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(ProblemError);
  expect(problem).toMatchObject({ status: 0 });
  expect(ids.length).toBeLessThan(100);
  for await (const _ of client.patients.export()) break;
  const page = new AbortController();
  const aborted = (async () => {
    for await (const _ of api.patients.export({ signal: page.signal }))
      page.abort(new Error("the page was left"));
  })();
  await expect(aborted).rejects.toThrow("the page was left");
});
