import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type Chunk, chunksOf, type FileFormat, lineInFile } from "../../../ops/upload/chunks.ts";

const folder = mkdtempSync(join(tmpdir(), "hospital-chunks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MIB = 1024 * 1024;

/** Writes `content` to a file. @returns its chunks */
function chunksIn(format: FileFormat, content: string | Uint8Array): Promise<Chunk[]> {
  const file = join(folder, `patients.${format}`);
  writeFileSync(file, content);
  return Array.fromAsync(chunksOf(file, format));
}

const numbered = (count: number, text: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => text(n)).join("");

test("a chunk has at most 1,000 records, in the order of the file", async () => {
  const lines = numbered(2500, (n) => `{"n":${n}}\n`);
  const chunks = await chunksIn("ndjson", lines);
  expect(chunks.map(({ index, records }) => [index, records.length])).toEqual([
    [0, 1000],
    [1, 1000],
    [2, 500],
  ]);
  expect(chunks.map(({ body }) => body).join("")).toBe(lines);
});

test("a chunk has at most 1 MiB, in bytes and with the header", async () => {
  const chunks = await chunksIn("csv", `name\n${numbered(500, () => `${"é".repeat(5000)}\n`)}`);
  for (const { body, bytes } of chunks) {
    expect(bytes).toBe(Buffer.byteLength(body));
    expect(bytes).toBeLessThanOrEqual(MIB);
    expect(body).toMatch(/^name\r\né/);
  }
  expect(chunks.map(({ records }) => records.length)).toEqual([104, 104, 104, 104, 84]);
});

test("a record larger than a request is not in the body, and is listed in refused with its line", async () => {
  const [ndjson, ...others] = await chunksIn(
    "ndjson",
    `{"a":1}\n${"x".repeat(2 * MIB)}\n{"a":2}\n${"y".repeat(MIB)}\n`,
  );
  expect([ndjson?.body, others]).toEqual(['{"a":1}\n{"a":2}\n', []]);
  expect(ndjson?.records.map(({ line }) => line)).toEqual([1, 3]);
  const refused = { errors: { body: ["Too large for a request"] }, error_codes: { body: ["too_long"] } };
  expect(ndjson?.refused).toEqual([2, 4].map((line) => ({ line, ...refused })));
  const [csv] = await chunksIn("csv", `a\n1\n${"x".repeat(MIB - 1)}\n2\n`);
  expect(csv?.body).toBe("a\r\n1\r\n2\r\n");
  expect(csv?.refused).toEqual([
    {
      line: 3,
      errors: { body: ["A cell is longer than 8,192 characters"] },
      error_codes: { body: ["too_long"] },
    },
  ]);
});

test("line counts the lines of the file, with \\n or \\r\\n, empty lines and a byte order mark", async () => {
  const [ndjson] = await chunksIn("ndjson", '\ufeff{"a":1}\r\n\r\n  {"a":2}\r\n\n{"a":3}');
  expect(ndjson?.body).toBe('{"a":1}\n{"a":2}\n{"a":3}\n');
  expect(ndjson?.records.map(({ line }) => line)).toEqual([1, 3, 5]);
  const [csv] = await chunksIn("csv", '\ufeff\r\na,b\r\n1,"x\r\ny"\r\n\r\n2,"z"\r\n3,');
  expect(csv?.body).toBe('a,b\r\n1,"x\r\ny"\r\n2,z\r\n3,\r\n');
  expect(csv?.records.map(({ line, lines }) => [line, lines])).toEqual([
    [3, 2],
    [6, 1],
    [7, 1],
  ]);
});

test("lineInFile turns a line of a request into the line of the file", async () => {
  const [, csv] = await chunksIn("csv", `a,b\n${numbered(1000, (n) => `${n},\n`)}\n1,"x\ry"\n2,"z"\n`);
  expect([2, 3, 4].map((line) => csv && lineInFile(csv, line))).toEqual([1003, 1003, 1005]);
  expect(() => csv && lineInFile(csv, 5)).toThrow("line 5");
});

test("CSV cells keep their text: quotes, commas, spaces, formulas and accents", async () => {
  const cells = '"a ""b""",", "," c ","\'=1+1",é';
  const [chunk] = await chunksIn("csv", `h,i,j,k,l\n${cells}\n`);
  expect(chunk?.body).toBe('h,i,j,k,l\r\n"a ""b""",", ", c ,\'=1+1,é\r\n');
});

test.each<[FileFormat, string | Uint8Array, RegExp]>([
  ["csv", Buffer.from("a\nJos\xe9\n", "latin1"), /^patients\.csv is not UTF-8/],
  ["ndjson", Buffer.from('{"a":"Jos\xe9"}\n', "latin1"), /^patients\.ndjson is not UTF-8/],
  ["csv", 'a,"b\n1,2\n', /^The header of patients\.csv, on line 1: A quotation mark is not closed/],
  ["csv", `a\n1\n${"x".repeat(4 * MIB)}\n`, /^Line 3 of patients\.csv is longer than 2 MiB/],
  ["csv", `a\n1\n"${"x".repeat(4 * MIB)}"\n`, /^Line 3 of patients\.csv is longer than 2 MiB/],
  ["csv", "", /^The file is empty/],
])("a file that is not %s is rejected with a message (case %#)", async (format, content, message) => {
  await expect(chunksIn(format, content)).rejects.toThrow(message);
});

test("CSV with a byte order mark, sep=;, semicolons and blank rows is sent with commas and without them", async () => {
  const file = '\ufeffsep=;\r\n;;\r\na;b;\r\n"1,5";"x;y";\r\n;;\r\n"";" ";\r\n2;z;\r\n   \r\n\x1a';
  const [csv, ...others] = await chunksIn("csv", file);
  expect([csv?.body, others]).toEqual(['a,b,\r\n"1,5",x;y,\r\n2,z,\r\n', []]);
  expect(csv?.records.map(({ line }) => line)).toEqual([4, 7]);
});

test.each([["LE"], ["BE"]])("CSV in UTF-16%s with tabs is sent in UTF-8 with commas", async (order) => {
  const bytes = Buffer.from("\ufeffa\tb\r\nJosé\t1,0\r\n", "utf16le");
  const [csv] = await chunksIn("csv", order === "LE" ? bytes : bytes.swap16());
  expect(csv?.body).toBe('a,b\r\nJosé,"1,0"\r\n');
});

test("a CSV record with a broken quotation mark or more cells than the header is refused, and the others are sent", async () => {
  const [csv] = await chunksIn("csv", 'a,b\n1,2\n3,"x\n4,5\n6\n7,8,9\n"x"y,1\n10,11');
  expect(csv?.body).toBe("a,b\r\n1,2\r\n4,5\r\n6\r\n10,11\r\n");
  expect(csv?.refused.map(({ line, errors }) => [line, Object.keys(errors)])).toEqual([
    [3, ["body"]],
    [6, ["column_3"]],
    [7, ["body"]],
  ]);
});

test("CSV lines are counted where the parts in which a file is read end, between CR and LF too", async () => {
  const filler = "y,\r\n".repeat(MIB / 5);
  for (const padding of ["", "x", "xx", "xxx", "xxxx"]) {
    const chunks = await chunksIn("csv", `a,b\r\n1${padding},\r\n${filler}last,"x\r\ny"\r\nend,\r\n`);
    const lines = chunks.flatMap(({ records }) => records.map(({ line }) => line));
    expect(lines.slice(-2)).toEqual([lines.length, lines.length + 2]);
    expect(lines.length).toBe(Math.floor(MIB / 5) + 3);
  }
});

test("a file without records has no chunks", async () => {
  expect(await chunksIn("csv", "a,b\n")).toEqual([]);
  expect(await chunksIn("ndjson", "\n\n")).toEqual([]);
});
