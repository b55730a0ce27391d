import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openGateway } from "../../client/gateway.ts";
import { slowDatabase } from "../../client/support.ts";
import { serveApi } from "../../support/serve-api.ts";
import { freePort } from "../../support/setup.ts";
import {
  csv,
  csvHeader,
  csvLineOf,
  emailOf,
  emailsOf,
  ndjson,
  newFolder,
  numbered,
  register,
  start,
  uploadFile,
} from "./support.ts";

const served = await serveApi(slowDatabase);
afterAll(() => served.stop());

/** Writes a file to a folder of its own. @returns its path */
function newFile(name: string, content: string): string {
  const file = join(newFolder(), name);
  writeFileSync(file, content);
  return file;
}

const isImport = ({ line }: { line: string }) => line.includes("import");

const linesOf = (file: string) =>
  readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("an NDJSON file of 2,100 patients is uploaded in three requests; exit status 0", async () => {
  const gateway = await openGateway(served.origin);
  const username = await register(served.origin);
  const file = newFile(
    "patients.ndjson",
    numbered(2100, (n) => ndjson(n)),
  );
  const { status, stdout } = await start(file, gateway.origin, username).ended;
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^2100 patients were created, 0 refused\./)]);
  expect(await emailsOf(username)).toEqual(Array.from({ length: 2100 }, (_, n) => emailOf(n)));
  expect(gateway.requests.filter(isImport)).toHaveLength(3);
  expect(existsSync(`${file}.refused.ndjson`)).toBe(false);
});

test("the valid records of a CSV file are created, the others are written to a file with line and reason; exit status 2", async () => {
  const username = await register(served.origin);
  const file = newFile(
    "patients.csv",
    `${csvHeader}${numbered(1100, (n) => csv(n, n % 500 === 7 ? 121 : 36))}${csv(3)}`,
  );
  const { status, stdout } = await start(file, served.origin, username).ended;
  expect([status, stdout]).toEqual([2, expect.stringMatching(/^1097 patients were created, 4 refused\./)]);
  expect(await emailsOf(username)).toHaveLength(1097);
  const tooOld = { age: [expect.stringContaining("120")] };
  expect(linesOf(`${file}.refused.ndjson`)).toEqual([
    ...[7, 507, 1007].map((n) => ({ line: csvLineOf(n), errors: tooOld, error_codes: { age: ["too_big"] } })),
    {
      line: csvLineOf(1100),
      errors: { email: [expect.any(String)] },
      error_codes: { email: ["email_taken"] },
    },
  ]);
});

test("a CSV file as Excel saves it, with semicolons and a broken quotation mark, is uploaded but for that line", async () => {
  const username = await register(served.origin);
  const lines = [
    "sep=;",
    "Last name;First name;E-mail;Age;Gender;",
    ...[0, 1, 2].map((n) => `L${n};"Ada; ""Countess""";${emailOf(n)};36,0;Female;`),
    ";;;;;",
  ];
  lines[3] = `"L1;Ada;${emailOf(1)};36;F;`;
  const file = newFile("patients.csv", `\ufeff${lines.join("\r\n")}\r\n`);
  expect(await uploadFile(file, served.origin, username)).toMatchObject({ created: 2, refused: 1 });
  expect(await emailsOf(username)).toEqual([emailOf(0), emailOf(2)]);
  expect(linesOf(`${file}.refused.ndjson`)).toEqual([
    {
      line: 4,
      errors: { body: [expect.stringContaining("quotation mark")] },
      error_codes: { body: ["invalid_csv"] },
    },
  ]);
});

test("a line that is not a record, or is too large, is refused, and the others are created", async () => {
  const username = await register(served.origin);
  const huge = ndjson(2, { firstname: "x".repeat(1024 * 1024) });
  const file = newFile("patients.ndjson", `${ndjson(0)}{"firstname": \n${huge}[]\n${ndjson(1)}`);
  expect(await uploadFile(file, served.origin, username)).toMatchObject({ created: 2, refused: 3 });
  expect(await emailsOf(username)).toEqual([emailOf(0), emailOf(1)]);
  expect(linesOf(`${file}.refused.ndjson`).map(({ line }) => line)).toEqual([2, 3, 4]);
});

test("killed after the database has committed a chunk and run again, it sends the chunk with the same key and creates nothing twice", async () => {
  const gateway = await openGateway(served.origin);
  const username = await register(served.origin);
  const file = newFile(
    "patients.ndjson",
    numbered(1500, (n) => ndjson(n)),
  );
  gateway.failNext(isImport, "hang-after");
  const committed = gateway.reached("processed", isImport);
  const killed = start(file, gateway.origin, username);
  await committed;
  expect(await emailsOf(username)).toHaveLength(1000);
  await killed.kill();
  const { status, stdout } = await start(file, gateway.origin, username).ended;
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^1500 patients were created, 0 refused\./)]);
  expect(await emailsOf(username)).toHaveLength(1500);
  const keys = gateway.requests.filter(isImport).map(({ headers }) => headers["idempotency-key"]);
  expect(keys).toEqual([keys[0], keys[0], expect.not.stringMatching(`^${keys[0]}$`)]);
});

test("refused records that were written before a kill, and not counted in the progress file, are written once", async () => {
  const gateway = await openGateway(served.origin);
  const username = await register(served.origin);
  const file = newFile("patients.csv", `${csvHeader}${numbered(1001, (n) => csv(n, n % 500 ? 36 : 121))}`);
  gateway.failNext(({ body }) => body.includes(emailOf(1000)), { status: 401 });
  await expect(uploadFile(file, gateway.origin, username)).rejects.toThrow("HTTP 401");
  // Longer than what the second run writes, so that a rest of it would remain.
  appendFileSync(`${file}.refused.ndjson`, `${'{"line":1102,"errors":{}}\n'.repeat(9)}{"line":1103,"err`);
  expect(await uploadFile(file, gateway.origin, username)).toMatchObject({ created: 998, refused: 3 });
  const lines = linesOf(`${file}.refused.ndjson`).map(({ line }) => line);
  expect(lines).toEqual([0, 500, 1000].map(csvLineOf));
});

test("run again after its end, it sends no import and prints the same", async () => {
  const gateway = await openGateway(served.origin);
  const username = await register(served.origin);
  const file = newFile("patients.csv", `${csvHeader}${csv(1)}${csv(2, "old")}`);
  const first = await start(file, gateway.origin, username).ended;
  const before = gateway.requests.length;
  expect(await start(file, gateway.origin, username).ended).toEqual(first);
  expect(gateway.requests.slice(before).filter(isImport)).toEqual([]);
  expect(linesOf(`${file}.refused.ndjson`)).toHaveLength(1);
});

test("a file that has changed, or whose upload another account began, is refused with a message", async () => {
  const [ada, grace] = [await register(served.origin), await register(served.origin)];
  const file = newFile("patients.ndjson", ndjson(1));
  await uploadFile(file, served.origin, ada);
  await expect(uploadFile(file, served.origin, grace)).rejects.toThrow(
    `as ${ada}. To start again, delete ${file}.progress.json.`,
  );
  appendFileSync(file, ndjson(2));
  await expect(uploadFile(file, served.origin, ada)).rejects.toThrow(
    "patients.ndjson has changed since its upload started.",
  );
  expect(await emailsOf(ada)).toHaveLength(1);
});

test("on an error the command prints a message without a stack trace, and exits with 1", async () => {
  const username = await register(served.origin);
  const nowhere = `http://127.0.0.1:${await freePort()}`;
  const cases = {
    "columns that the API does not know": () =>
      start(newFile("patients.csv", "surname,age\nx,1\n"), served.origin, username),
    "a wrong password": () => start(newFile("patients.csv", csvHeader), served.origin, username, "wrong"),
    "no password, and no terminal": () =>
      start(newFile("patients.csv", csvHeader), served.origin, username, ""),
    "a file of another kind": () => start(newFile("patients.xlsx", ""), served.origin, username),
    "http: to another machine": () =>
      start(newFile("patients.csv", csvHeader), "http://api.example.org", username),
    "an API that is not there": () => start(newFile("patients.csv", csvHeader), nowhere, username),
  };
  const results = Object.entries(cases).map(async ([name, run]) => [name, await run().ended] as const);
  const failure = (message: RegExp) => ({ status: 1, stdout: "", stderr: expect.stringMatching(message) });
  const ended = Object.fromEntries(await Promise.all(results));
  expect(ended).toEqual({
    "columns that the API does not know": failure(/refused the upload/),
    "a wrong password": failure(/no active account/),
    "no password, and no terminal": failure(/set .+ HOSPITAL_PASSWORD/),
    "a file of another kind": failure(/must end in/),
    "http: to another machine": failure(/^--url must begin with https:\/\/ \(or http:\/\/ for localhost/),
    "an API that is not there": failure(/did not answer/),
  });
  for (const { stderr } of Object.values(ended)) expect(stderr).not.toMatch(/^ +at /m);
});
