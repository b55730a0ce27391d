import { afterAll, beforeAll, expect, test } from "vitest";
import { measureAllocations } from "../support/allocations.ts";
import { type ServedApi, serveApi } from "../support/serve-api.ts";

const MIB = 1024 * 1024;
const HEADER = "firstname,lastname,email,age,gender\n";
const CSV = "text/csv";
const NDJSON = "application/x-ndjson";
const patient = { firstname: "Ada", lastname: "Lovelace", age: 36, gender: "F" };

let api: ServedApi;
let token = "";
const post = (path: string, type: string, body: string) =>
  fetch(`${api.origin}${path}`, {
    method: "POST",
    headers: { "Content-Type": type, ...(token && { Authorization: `Bearer ${token}` }) },
    body,
  });
const importFile = async (type: string, file: string) => {
  const response = await post("/api/patients/import/", type, file);
  return { status: response.status, body: await response.text() };
};

beforeAll(async () => {
  api = await serveApi();
  const credentials = { username: `memory-${Date.now()}`, password: "correct horse battery" };
  const account = JSON.stringify({ ...credentials, email: "memory@example.org" });
  await (await post("/api/auth/register/", "application/json", account)).text();
  const login = await post("/api/auth/login/", "application/json", JSON.stringify(credentials));
  token = ((await login.json()) as { access: string }).access;
  // Compiles the code and creates what the isolate keeps.
  const file = Array.from({ length: 1000 }, (_, n) =>
    JSON.stringify({ ...patient, email: `${n}@example.org` }),
  );
  expect((await importFile(NDJSON, file.join("\n"))).status).toBe(201);
});
afterAll(() => api.stop());

/** A file of 1 MiB: `start`, then `unit` again and again. */
const fileOf = (unit: string, start = "") =>
  start + unit.repeat(Math.floor((MIB - start.length) / unit.length));

// An isolate has 128 MB for all requests that it handles at the same time. Each of these files takes 1 to 10 MiB, the text
// and its records included.
test.each<[what: string, type: string, file: string, status: number]>([
  ["records of two cells", CSV, fileOf("a,b\n", HEADER), 413],
  ["rows of two empty cells", CSV, fileOf(",\n", HEADER), 400],
  ["rows of two empty cells without a header", CSV, fileOf(",\n"), 400],
  ["one record of separators", CSV, fileOf(",", HEADER), 400],
  ["a header of separators", CSV, fileOf(","), 400],
  ["one cell of line ends", CSV, `${fileOf("\n", `${HEADER}"`).slice(1)}"`, 400],
  ["empty lines", CSV, fileOf("\n"), 400],
  ["quoted empty cells", CSV, fileOf('""\n', HEADER), 400],
  ["unclosed quotation marks", CSV, fileOf('"\n', HEADER), 400],
  ["lines that each begin a quoted cell", CSV, fileOf('"a\n', HEADER), 413],
  ["empty lines", NDJSON, fileOf("\n"), 400],
  ["empty objects", NDJSON, fileOf("{}\n"), 413],
  ["lines that are not JSON", NDJSON, fileOf("x\n"), 413],
  ["one array of arrays", NDJSON, `[${fileOf("[],").slice(3)}[]]`, 400],
  ["one object of arrays", NDJSON, `{"a":[${fileOf("[],").slice(12)}[]]}`, 400],
])(
  "an import of 1 MiB with %s in %s is refused and allocates less than 16 MiB",
  async (_, type, file, status) => {
    let answer: unknown;
    const allocated = await measureAllocations(api.inspectorPort, async () => {
      answer = await importFile(type, file);
    });
    expect(answer).toMatchObject({ status });
    expect(allocated).toBeLessThan(16 * MIB);
  },
);
