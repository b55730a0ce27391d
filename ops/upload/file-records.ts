import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { pipeline, Readable } from "node:stream";
import { parse } from "csv-parse";

/** The limits of the API's import route for one request: records, and bytes. */
export const MAX_RECORDS = 1000;
export const MAX_BYTES = 1024 * 1024;

/** A record of a file. */
export interface FileRecord {
  /** The line of the file at which it begins, from 1. */
  line: number;
  /** The number of its lines. */
  lines: number;
  /** The text to send, with a line break at its end; `undefined` when it is too large for a request. */
  text: string | undefined;
}

/**
 * By format, a function that yields the records of a file one by one, so that the file can have any size. The first
 * record of a CSV file is its header. They throw an error when the file is not of the format, or not UTF-8.
 */
export const readRecords = { ndjson: recordsOfNdjson, csv: recordsOfCsv };

async function* recordsOfNdjson(file: string): AsyncGenerator<FileRecord> {
  let line = 0;
  let rest = "";
  let isTooLong = false; // about the line that `rest` is a part of; the text of such a line is dropped
  for await (const text of readText(file)) {
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
  pipeline(Readable.from(readText(file)), parser, () => {}); // the loop below throws the error
  let line = 1;
  try {
    for await (const cells of parser as AsyncIterable<string[]>) {
      const lines = cells.join().split(/\r\n|\n|\r/).length;
      if (cells.length > 1 || cells[0]) yield { line, lines, text: `${cells.map(quoteCell).join()}\r\n` };
      line += lines;
    }
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error && "records" in error)) throw error;
    throw new Error(`${basename(file)} is not valid CSV from line ${line} on: ${error.message}`);
  }
}

/** A cell in CSV, with quotes where RFC 4180 needs them. */
const quoteCell = (cell: string): string =>
  /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;

/** Yields the text of a file in parts, without a byte order mark. */
async function* readText(file: string): AsyncGenerator<string> {
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  try {
    for await (const bytes of createReadStream(file)) yield utf8.decode(bytes, { stream: true });
    yield utf8.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Error(`${basename(file)} is not UTF-8. In a spreadsheet program, save it as "CSV UTF-8".`);
  }
}
