import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { type CsvRecord, csvStart, readCsvRecord } from "../../src/http/csv-reader.ts";
import type { FieldErrors } from "../../src/http/problems.ts";
import { SAVE_AS_UTF8, spreadsheetDecoder } from "../../src/http/text-encoding.ts";

/** The limits of the API's import route for one request: records, and bytes. */
export const MAX_RECORDS = 1000;
export const MAX_BYTES = 1024 * 1024;

/** A record of a file. */
export interface FileRecord {
  /** The line of the file at which it begins, from 1. */
  line: number;
  /** The number of its lines. */
  lines: number;
  /** The text to send, with a line break at its end; `undefined` when the record cannot be sent. */
  text: string | undefined;
  /** Why the record cannot be sent. */
  errors: FieldErrors | undefined;
}

export const TOO_LARGE: FieldErrors = { body: [{ code: "too_long", message: "Too large for a request" }] };

/**
 * By format, a function that yields the records of a file one by one, so that the file can have any size. The first
 * record of a CSV file is its header. They throw an error when the file is not UTF-8.
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
  if (isTooLong) yield { line, lines: 1, text: undefined, errors: TOO_LARGE };
  else if (record) yield { line, lines: 1, text: `${record}\n`, errors: undefined };
}

const LOOKAHEAD = 2 * MAX_BYTES;

/** The records of a CSV file, by the rules of the import route. */
async function* recordsOfCsv(file: string): AsyncGenerator<FileRecord> {
  const position = csvStart();
  let text = "";
  for await (const part of readText(file)) {
    text += part;
    // With so much text after it, a record that is not too large for a request is complete.
    while (text.length - position.at > LOOKAHEAD) {
      const record = readCsvRecord(text, position);
      if (position.at === text.length && !record.isBlank)
        throw new Error(`Line ${record.line} of ${basename(file)} is longer than 2 MiB.`);
      yield* fileRecordOf(record);
    }
    text = text.slice(position.at);
    position.at = 0;
  }
  while (position.at < text.length) yield* fileRecordOf(readCsvRecord(text, position));
}

function* fileRecordOf({ line, cells, isBlank, errors }: CsvRecord): Generator<FileRecord> {
  if (isBlank) return;
  if (errors) return yield { line, lines: 0, text: undefined, errors };
  const lines = cells.join().split(/\r\n|\n|\r/).length;
  yield { line, lines, text: `${cells.map(quoteCell).join()}\r\n`, errors: undefined };
}

/** A cell in CSV, with quotes where RFC 4180 needs them. */
const quoteCell = (cell: string): string =>
  /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;

/** Yields the text of a file in parts, without a byte order mark. No part ends between CR and LF. */
async function* readText(file: string): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined;
  let carriageReturn = "";
  try {
    for await (const bytes of createReadStream(file, { highWaterMark: MAX_BYTES })) {
      decoder ??= spreadsheetDecoder(bytes);
      const text = carriageReturn + decoder.decode(bytes, { stream: true });
      carriageReturn = text.endsWith("\r") ? "\r" : "";
      yield carriageReturn ? text.slice(0, -1) : text;
    }
    yield carriageReturn + (decoder?.decode() ?? "");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Error(`${basename(file)} is not UTF-8. ${SAVE_AS_UTF8}`);
  }
}
