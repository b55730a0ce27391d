import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openFront } from "../../client/front.ts";
import { serveApi } from "../../support/serve-api.ts";
import { freePort } from "../../support/setup.ts";
import {
  csv,
  csvHeader,
  emailOf,
  emailsOf,
  ndjson,
  newFolder,
  numbered,
  register,
  start,
} from "./support.ts";

const served = await serveApi();
afterAll(() => served.stop());

/** A file in a folder of its own. */
function newFile(name: string, content: string): string {
  const file = join(newFolder(), name);
  writeFileSync(file, content);
  return file;
}

const linesOf = (file: string) =>
  readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("A file of NDJSON is uploaded, in as many requests as it takes", async () => {
  const front = await openFront(served.origin);
  const username = await register(served.origin);
  const file = newFile(
    "patients.ndjson",
    numbered(2100, (n) => ndjson(n)),
  );
  const { status, stdout } = await start(file, front.origin, username).ended;
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^2100 patients were created, 0 refused\./)]);
  expect(await emailsOf(username)).toEqual(Array.from({ length: 2100 }, (_, n) => emailOf(n)));
  expect(front.seen.filter(({ line }) => line.includes("import"))).toHaveLength(3);
  expect(existsSync(`${file}.refused.ndjson`)).toBe(false);
});

test("Of a CSV file those that are valid are created, and the others told with their lines and why", async () => {
  const username = await register(served.origin);
  const file = newFile(
    "patients.csv",
    `${csvHeader}${numbered(1100, (n) => csv(n, n % 500 === 7 ? 121 : 36))}${csv(3)}`,
  );
  const { status, stdout } = await start(file, served.origin, username).ended;
  expect([status, stdout]).toEqual([2, expect.stringMatching(/^1097 patients were created, 4 refused\./)]);
  expect(await emailsOf(username)).toHaveLength(1097);
  // After the header, one line for each record, and one more for each tenth.
  const lineOf = (n: number) => 2 + n + Math.ceil(n / 10);
  const tooOld = { age: [expect.stringContaining("120")] };
  expect(linesOf(`${file}.refused.ndjson`)).toEqual([
    ...[7, 507, 1007].map((n) => ({ line: lineOf(n), errors: tooOld })),
    { line: lineOf(1100), errors: { email: [expect.any(String)] } },
  ]);
});

test("A line that holds no record, or too much, is refused, and the others are created", async () => {
  const username = await register(served.origin);
  const huge = ndjson(2, { firstname: "x".repeat(1024 * 1024) });
  const file = newFile("patients.ndjson", `${ndjson(0)}{"firstname": \n${huge}[]\n${ndjson(1)}`);
  expect(await start(file, served.origin, username).ended).toMatchObject({ status: 2 });
  expect(await emailsOf(username)).toEqual([emailOf(0), emailOf(1)]);
  expect(linesOf(`${file}.refused.ndjson`).map(({ line }) => line)).toEqual([2, 3, 4]);
});

test("Killed after the database has committed, it goes on and makes nothing twice", async () => {
  const front = await openFront(served.origin);
  const username = await register(served.origin);
  const file = newFile(
    "patients.ndjson",
    numbered(1500, (n) => ndjson(n)),
  );
  const isImport = ({ line }: { line: string }) => line.includes("import");
  front.befallNext(isImport, "hang-after");
  const killed = start(file, front.origin, username);
  await expect.poll(() => emailsOf(username), { timeout: 10_000 }).toHaveLength(1000);
  await killed.kill();
  const { status, stdout } = await start(file, front.origin, username).ended;
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^1500 patients were created, 0 refused\./)]);
  expect(await emailsOf(username)).toHaveLength(1500);
  const keys = front.seen.filter(isImport).map(({ headers }) => headers["idempotency-key"]);
  expect(keys).toEqual([keys[0], keys[0], expect.not.stringMatching(`^${keys[0]}$`)]);
});

test("Run again after its end it sends nothing more, and says the same", async () => {
  const front = await openFront(served.origin);
  const username = await register(served.origin);
  const file = newFile("patients.csv", `${csvHeader}${csv(1)}${csv(2, "old")}`);
  const first = await start(file, front.origin, username).ended;
  const requests = front.seen.length;
  expect(await start(file, front.origin, username).ended).toEqual(first);
  expect(front.seen.slice(requests).filter(({ line }) => line.includes("import"))).toEqual([]);
  expect(linesOf(`${file}.refused.ndjson`)).toHaveLength(1);
});

test("A file that has changed, or that another account began with, is refused with a sentence", async () => {
  const [ada, grace] = [await register(served.origin), await register(served.origin)];
  const file = newFile("patients.ndjson", ndjson(1));
  await start(file, served.origin, ada).ended;
  expect(await start(file, served.origin, grace).ended).toMatchObject({
    status: 1,
    stderr: expect.stringContaining(`as ${ada}. To begin anew, delete ${file}.progress.json.`),
  });
  appendFileSync(file, ndjson(2));
  expect(await start(file, served.origin, ada).ended).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("patients.ndjson has changed since its upload was begun."),
  });
  expect(await emailsOf(ada)).toHaveLength(1);
});

test.each([
  ["The file's columns", "patients.csv", "surname,age\nx,1\n", {}, /does not take it/],
  ["A wrong password", "patients.csv", csvHeader, { password: "wrong" }, /no active account/],
  ["No password, and nobody to ask", "patients.csv", csvHeader, { password: "" }, /set .+ HOSPITAL_PASSWORD/],
  ["A file that is neither", "patients.xlsx", "", {}, /must end in/],
  ["An API that is not there", "patients.csv", csvHeader, { port: true }, /did not answer/],
])(
  "%s: the command says what is wrong, and ends with 1",
  async (_, name, content, { port, password }: { port?: boolean; password?: string }, sentence) => {
    const url = port ? `http://127.0.0.1:${await freePort()}` : served.origin;
    const { status, stdout, stderr } = await start(
      newFile(name, content),
      url,
      await register(served.origin),
      password,
    ).ended;
    expect([status, stdout, stderr]).toEqual([1, "", expect.stringMatching(sentence)]);
    expect(stderr).not.toMatch(/^ +at /m);
  },
);
