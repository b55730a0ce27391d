import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { type Client, ProblemError } from "../../client/index.ts";
import { type Chunk, chunksOf, type Format, lineInFile } from "./chunks.ts";
import { hashOf, note, type Progress, progressOf } from "./progress.ts";
import { type Refusal, writeRefused } from "./refused.ts";

export interface Upload {
  /** Its path. */
  file: string;
  format: Format;
  /** Signed in. */
  api: Client;
  /** Where the API is. */
  url: string;
}

/**
 * Sends a file of patients to the API, however large it is, from where it was left: chunk by chunk, each noted when it has
 * been acknowledged. The same chunk always has the same key, so that one which is sent twice is made once.
 *
 * @param onProgress is told how many of the file's bytes have been dealt with, of how many.
 * @throws an error whose message says why it stopped.
 */
export async function upload(
  { file, format, api, url }: Upload,
  onProgress: (progress: Progress, bytes: number, size: number) => void = () => {},
): Promise<Progress> {
  const before = await stat(file);
  const { username } = await api.me();
  let progress = progressOf(file, { sha256: await hashOf(file), url, username });
  let bytes = 0;
  for await (const chunk of chunksOf(file, format)) {
    bytes += Buffer.byteLength(chunk.body);
    if (chunk.index >= progress.chunks) {
      await requireUnchanged(file, before);
      progress = await acknowledged(file, progress, await send(api, chunk, format, progress));
    }
    onProgress(progress, Math.min(bytes, before.size), before.size);
  }
  if (!progress.done) await note(file, { ...progress, done: true });
  return { ...progress, done: true };
}

interface Acknowledged {
  created: number;
  refused: Refusal[];
}

async function send(api: Client, chunk: Chunk, format: Format, { sha256 }: Progress): Promise<Acknowledged> {
  const refused: Refusal[] = chunk.tooLarge.map(({ line }) => ({
    line,
    errors: { body: ["Too large to be sent"] },
  }));
  if (chunk.records.length === 0) return { created: 0, refused };
  // Where it begins and how many there are: another division of the same file is not to meet an answer to this one.
  const idempotencyKey = `upload-${sha256}-${chunk.records[0]?.line}-${chunk.records.length}`;
  const data = format === "csv" ? { csv: chunk.body } : { ndjson: chunk.body };
  const result = await triedTwice(() => api.patients.import(data, { partial: true, idempotencyKey })).catch(
    explain,
  );
  for (const { line, errors } of result.refused) refused.push({ line: lineInFile(chunk, line), errors });
  refused.sort((a, b) => a.line - b.line);
  return { created: result.created.length, refused };
}

/** What `send` gives. Somebody else may create a patient with the same email at that very moment: then nothing was done. */
async function triedTwice<Result>(send: () => Promise<Result>): Promise<Result> {
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof ProblemError && error.status === 409)) throw error;
    return send();
  }
}

/** What was refused is written down first: the note says how much of it counts. */
async function acknowledged(
  file: string,
  before: Progress,
  { created, refused }: Acknowledged,
): Promise<Progress> {
  const progress = {
    ...before,
    chunks: before.chunks + 1,
    created: before.created + created,
    refused: before.refused + refused.length,
    refused_bytes: await writeRefused(file, before.refused_bytes, refused),
  };
  await note(file, progress);
  return progress;
}

async function requireUnchanged(file: string, before: { mtimeMs: number; size: number }): Promise<void> {
  const { mtimeMs, size } = await stat(file);
  if (mtimeMs !== before.mtimeMs || size !== before.size)
    throw new Error(`${basename(file)} was changed while it was uploaded.`);
}

/** @throws an error that says what the person can do about it */
function explain(error: unknown): never {
  if (!(error instanceof ProblemError)) throw error;
  const { status, message, errors } = error;
  if (status < 400 || status === 429 || status >= 500)
    throw new Error(`${message} Run the same command again, later, to go on.`, { cause: error });
  const fields = Object.entries(errors).map(([field, messages]) => `${field}: ${messages.join(", ")}`);
  throw new Error([`The API does not take it: ${message}`, ...fields.slice(0, 10)].join("\n  "), {
    cause: error,
  });
}
