import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { type Client, ProblemError } from "../../client/index.ts";
import { type Chunk, chunksOf, type FileFormat, lineInFile } from "./chunks.ts";
import { hashOf, type Progress, readProgress, writeProgress } from "./progress-file.ts";
import { type RefusedRecord, writeRefused } from "./refused-file.ts";

interface Upload {
  /** The path of the file. */
  file: string;
  format: FileFormat;
  /** A client that is logged in. */
  api: Client;
  /** The API's URL. */
  url: string;
}

/**
 * Uploads a file of patients, of any size, in chunks, and writes the progress file after each one. If there is a
 * progress file already, it continues from there. A chunk always has the same idempotency key, so its patients are
 * created once even if it is sent twice.
 *
 * @param onProgress is called after each chunk, with the number of uploaded bytes and the size of the file.
 * @returns the progress at the end.
 * @throws an error whose message says why it stopped, and how to continue.
 */
export async function upload(
  { file, format, api, url }: Upload,
  onProgress: (progress: Progress, bytes: number, size: number) => void = () => {},
): Promise<Progress> {
  const before = await stat(file);
  const { username } = await api.me();
  let progress = readProgress(file, { sha256: await hashOf(file), url, username });
  let bytes = 0;
  for await (const chunk of chunksOf(file, format)) {
    bytes += Buffer.byteLength(chunk.body);
    if (chunk.index >= progress.chunks) {
      await requireUnchanged(file, before);
      progress = await saveResult(file, progress, await send(api, chunk, format, progress));
    }
    onProgress(progress, Math.min(bytes, before.size), before.size);
  }
  if (!progress.done) await writeProgress(file, { ...progress, done: true });
  return { ...progress, done: true };
}

interface ChunkResult {
  created: number;
  refused: RefusedRecord[];
}

async function send(
  api: Client,
  chunk: Chunk,
  format: FileFormat,
  { sha256 }: Progress,
): Promise<ChunkResult> {
  const refused = [...chunk.refused];
  if (chunk.records.length === 0) return { created: 0, refused };
  // With the first line and the number of records: if a later version divides the file differently, its keys differ
  // too.
  const idempotencyKey = `upload-${sha256}-${chunk.records[0]?.line}-${chunk.records.length}`;
  const data = format === "csv" ? { csv: chunk.body } : { ndjson: chunk.body };
  const result = await api.patients.import(data, { partial: true, idempotencyKey }).catch(throwWithAdvice);
  for (const { line, errors, error_codes } of result.refused)
    refused.push({ line: lineInFile(chunk, line), errors, error_codes });
  refused.sort((a, b) => a.line - b.line);
  return { created: result.created.length, refused };
}

/** Writes the refused records, then the progress file, which says how many bytes of them are valid. */
async function saveResult(
  file: string,
  before: Progress,
  { created, refused }: ChunkResult,
): Promise<Progress> {
  const progress = {
    ...before,
    chunks: before.chunks + 1,
    created: before.created + created,
    refused: before.refused + refused.length,
    refused_bytes: await writeRefused(file, before.refused_bytes, refused),
  };
  await writeProgress(file, progress);
  return progress;
}

async function requireUnchanged(file: string, before: { mtimeMs: number; size: number }): Promise<void> {
  const { mtimeMs, size } = await stat(file);
  if (mtimeMs !== before.mtimeMs || size !== before.size)
    throw new Error(`${basename(file)} was changed during the upload.`);
}

/** @throws an error whose message says what to do next */
function throwWithAdvice(error: unknown): never {
  if (!(error instanceof ProblemError)) throw error;
  const { status, code, message, errors } = error;
  if (status < 400 || status === 429 || status >= 500 || code === "write_conflict")
    throw new Error(`${message} Run the same command again later to continue.`, { cause: error });
  const fields = Object.entries(errors).map(([field, messages]) => `${field}: ${messages.join(", ")}`);
  throw new Error([`The API refused the upload: ${message}`, ...fields.slice(0, 10)].join("\n  "), {
    cause: error,
  });
}
