import { basename } from "node:path";
import { fieldErrorMembers } from "../../src/http/problems.ts";
import { type FileRecord, MAX_BYTES, MAX_RECORDS, readRecords, TOO_LARGE } from "./file-records.ts";
import type { RefusedRecord } from "./refused-file.ts";

export type FileFormat = keyof typeof readRecords;

/** The records of one request. The same file is always divided into the same chunks. */
export interface Chunk {
  /** The number of chunks before it. */
  index: number;
  /** The text to send: the header, if there is one, and the records. */
  body: string;
  /** The length of `body`, in bytes. */
  bytes: number;
  /** The number of lines of `body` before the records. */
  headerLines: number;
  /** The records in `body`, in order. */
  records: FileRecord[];
  /** Records between them in the file that cannot be sent. */
  refused: RefusedRecord[];
}

/**
 * Divides a file into chunks of at most 1,000 records and 1 MiB.
 *
 * @throws an error when the file is empty, its header is broken, or it is not UTF-8.
 */
export async function* chunksOf(file: string, format: FileFormat): AsyncGenerator<Chunk> {
  const records = readRecords[format](file);
  const header = format === "csv" ? await readHeader(file, records) : { body: "", bytes: 0, headerLines: 0 };
  const newChunk = (index: number): Chunk => ({ index, ...header, records: [], refused: [] });
  let chunk = newChunk(0);
  for await (const record of records) {
    const bytes = Buffer.byteLength(record.text ?? "");
    const isRefused = record.text === undefined || header.bytes + bytes > MAX_BYTES;
    if (countRecords(chunk) === MAX_RECORDS || (!isRefused && chunk.bytes + bytes > MAX_BYTES)) {
      yield chunk;
      chunk = newChunk(chunk.index + 1);
    }
    if (isRefused)
      chunk.refused.push({ line: record.line, ...fieldErrorMembers(record.errors ?? TOO_LARGE) });
    else {
      chunk.records.push(record);
      chunk.body += record.text;
      chunk.bytes += bytes;
    }
  }
  if (countRecords(chunk) > 0) yield chunk;
}

async function readHeader(file: string, records: AsyncGenerator<FileRecord>) {
  const { value } = await records.next();
  if (!value) throw new Error("The file is empty: its first line must name the columns.");
  if (value.errors) {
    const messages = Object.values(fieldErrorMembers(value.errors).errors).flat();
    throw new Error(`The header of ${basename(file)}, on line ${value.line}: ${messages.join(", ")}.`);
  }
  return {
    body: value.text as string,
    bytes: Buffer.byteLength(value.text),
    headerLines: value.lines as number,
  };
}

const countRecords = ({ records, refused }: Chunk): number => records.length + refused.length;

/**
 * Finds the line of the file for a line of a chunk's body, both from 1: the line at which the record begins.
 *
 * @throws an error when the body has fewer lines.
 */
export function lineInFile({ records, headerLines }: Chunk, lineInBody: number): number {
  let lastLine = headerLines;
  for (const { line, lines } of records) {
    lastLine += lines;
    if (lineInBody <= lastLine) return line;
  }
  throw new Error(`The API reported line ${lineInBody} of a request with ${lastLine} lines.`);
}
