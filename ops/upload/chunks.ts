import { type FileRecord, MAX_BYTES, MAX_RECORDS, recordsOf } from "./records.ts";

export type Format = keyof typeof recordsOf;

/** As many records as one request takes. The same file always gives the same ones. */
export interface Chunk {
  /** Its place in the file, from 0. */
  index: number;
  /** What is sent: the header, if there is one, and the records. */
  body: string;
  /** How many bytes that is. */
  bytes: number;
  /** How many lines of `body` come before the records. */
  headerLines: number;
  /** The records in `body`, in order. */
  records: FileRecord[];
  /** Those among them in the file that are larger than a request may be. */
  tooLarge: FileRecord[];
}

/**
 * A file's records in chunks, of at most `MAX_RECORDS` and `MAX_BYTES`.
 *
 * @throws an error whose message says what the file is not.
 */
export async function* chunksOf(file: string, format: Format): AsyncGenerator<Chunk> {
  const records = recordsOf[format](file);
  const header = format === "csv" ? await headerOf(records) : { body: "", bytes: 0, headerLines: 0 };
  const begin = (index: number): Chunk => ({ index, ...header, records: [], tooLarge: [] });
  let chunk = begin(0);
  for await (const record of records) {
    const bytes = Buffer.byteLength(record.text ?? "");
    const isTooLarge = record.text === undefined || header.bytes + bytes > MAX_BYTES;
    if (sizeOf(chunk) === MAX_RECORDS || (!isTooLarge && chunk.bytes + bytes > MAX_BYTES)) {
      yield chunk;
      chunk = begin(chunk.index + 1);
    }
    if (isTooLarge) chunk.tooLarge.push({ ...record, text: undefined });
    else {
      chunk.records.push(record);
      chunk.body += record.text;
      chunk.bytes += bytes;
    }
  }
  if (sizeOf(chunk) > 0) yield chunk;
}

async function headerOf(records: AsyncGenerator<FileRecord>) {
  const { value } = await records.next();
  if (!value?.text) throw new Error("The file is empty: its first line should name the columns.");
  return {
    body: value.text as string,
    bytes: Buffer.byteLength(value.text),
    headerLines: value.lines as number,
  };
}

const sizeOf = ({ records, tooLarge }: Chunk): number => records.length + tooLarge.length;

/** The line of the file at which the record begins that is on a line of the chunk's body. */
export function lineInFile({ records, headerLines }: Chunk, lineInBody: number): number {
  let passed = headerLines;
  for (const { line, lines } of records) {
    passed += lines;
    if (lineInBody <= passed) return line;
  }
  throw new Error(`The API speaks of line ${lineInBody} of a request that has ${passed}.`);
}
