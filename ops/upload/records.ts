import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { pipeline, Readable } from "node:stream";
import { parse } from "csv-parse";

/** What the API takes in one request (its import route): records, and bytes. */
export const MAX_RECORDS = 1000;
export const MAX_BYTES = 1024 * 1024;

/** A record as its file holds it. */
export interface FileRecord {
  /** Where it begins in the file, from 1. */
  line: number;
  /** How many lines it takes. */
  lines: number;
  /** As it is sent, with a line break at its end; `undefined` when it is so large that it was not kept. */
  text: string | undefined;
}

/**
 * The records of a file, one after the other, however many there are. Of a CSV file the first one is the header.
 *
 * @throws an error whose message says what the file is not.
 */
export const recordsOf = { ndjson: recordsOfNdjson, csv: recordsOfCsv };

async function* recordsOfNdjson(file: string): AsyncGenerator<FileRecord> {
  let line = 0;
  let rest = "";
  let isTooLong = false; // the line that `rest` is of; what is known of it is not kept
  for await (const text of textOf(file)) {
    const [first = "", ...others] = text.split("\n");
    rest = isTooLong ? "" : rest + first;
    for (const next of others) {
      line += 1;
      yield* recordOfLine(line, rest, isTooLong);
      rest = next;
      isTooLong = false;
    }
    isTooLong ||= rest.length > MAX_BYTES;
    if (isTooLong) rest = "";
  }
  yield* recordOfLine(line + 1, rest, isTooLong);
}

function* recordOfLine(line: number, text: string, isTooLong: boolean): Generator<FileRecord> {
  const record = text.trim();
  if (isTooLong || record) yield { line, lines: 1, text: isTooLong ? undefined : `${record}\n` };
}

async function* recordsOfCsv(file: string): AsyncGenerator<FileRecord> {
  const parser = parse({
    relax_column_count: true,
    record_delimiter: ["\r\n", "\n"],
    max_record_size: MAX_BYTES,
  });
  pipeline(Readable.from(textOf(file)), parser, () => {}); // what goes wrong is thrown below
  let line = 1;
  try {
    for await (const cells of parser as AsyncIterable<string[]>) {
      const lines = cells.join().split(/\r\n|\n|\r/).length;
      if (cells.length > 1 || cells[0]) yield { line, lines, text: `${cells.map(quoted).join()}\r\n` };
      line += lines;
    }
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error && "records" in error)) throw error;
    throw new Error(`${basename(file)} is not CSV from line ${line} on: ${error.message}`);
  }
}

/** A cell as RFC 4180 writes it. */
const quoted = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

/** The text of a file, part by part, without a byte order mark. */
async function* textOf(file: string): AsyncGenerator<string> {
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  try {
    for await (const bytes of createReadStream(file)) yield utf8.decode(bytes, { stream: true });
    yield utf8.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Error(`${basename(file)} is not UTF-8. (A spreadsheet saves that as "CSV UTF-8".)`);
  }
}
