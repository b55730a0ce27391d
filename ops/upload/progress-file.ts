import { createHash } from "node:crypto";
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import * as z from "zod";

const Progress = z.strictObject({
  /** The hash of the uploaded file's bytes, in hexadecimal. */
  sha256: z.string(),
  /** The API's URL. */
  url: z.string(),
  /** The account that uploads. */
  username: z.string(),
  /** The number of chunks that the API has acknowledged. */
  chunks: z.int(),
  /** The number of created patients. */
  created: z.int(),
  /** The number of refused records. */
  refused: z.int(),
  /** The length of the file of refused records after those chunks, in bytes. */
  refused_bytes: z.int(),
  /** Whether the whole file has been uploaded. */
  done: z.boolean(),
});

/** The progress of an upload. */
export type Progress = z.infer<typeof Progress>;

/** The path of the progress file. */
export const progressFileOf = (file: string): string => `${file}.progress.json`;

/** What identifies an upload. It can be continued only if all of this is the same. */
type Target = Pick<Progress, "sha256" | "url" | "username">;

/**
 * Reads the progress of an upload from its file. Without such a file, nothing has been uploaded yet.
 *
 * @throws an error when the file holds the progress of another upload, or something else.
 */
export function readProgress(file: string, target: Target): Progress {
  const progressFile = progressFileOf(file);
  if (!existsSync(progressFile))
    return { ...target, chunks: 0, created: 0, refused: 0, refused_bytes: 0, done: false };
  const advice = `To start again, delete ${progressFile}.`;
  const { success, data } = Progress.safeParse(parseJson(readFileSync(progressFile, "utf8")));
  if (!success) throw new Error(`${progressFile} is not a progress file of this command. ${advice}`);
  if (data.sha256 !== target.sha256)
    throw new Error(`${basename(file)} has changed since its upload started. ${advice}`);
  if (data.url !== target.url || data.username !== target.username)
    throw new Error(`The upload was started to ${data.url} as ${data.username}. ${advice}`);
  return data;
}

/** Replaces the progress file. It is never incomplete, even if the process is killed or the machine stops. */
export async function writeProgress(file: string, progress: Progress): Promise<void> {
  const newFile = `${progressFileOf(file)}.new`;
  const handle = await open(newFile, "w");
  try {
    await handle.writeFile(`${JSON.stringify(progress, undefined, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(newFile, progressFileOf(file));
}

/** The SHA-256 hash of a file, in hexadecimal. */
export async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
