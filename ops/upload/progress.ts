import { createHash } from "node:crypto";
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import * as z from "zod";

const Progress = z.strictObject({
  /** What is uploaded: the hash of the file's bytes, in hexadecimal. */
  sha256: z.string(),
  /** Where to, and as whose. */
  url: z.string(),
  username: z.string(),
  /** How many chunks have been acknowledged. */
  chunks: z.int(),
  created: z.int(),
  refused: z.int(),
  /** How long the file of refused records was then. */
  refused_bytes: z.int(),
  done: z.boolean(),
});

/** How far the upload of a file has got. */
export type Progress = z.infer<typeof Progress>;

export const progressFileOf = (file: string): string => `${file}.progress.json`;

/** What identifies an upload: only one that is the same in all of it can be gone on with. */
export type Target = Pick<Progress, "sha256" | "url" | "username">;

/**
 * How far the upload has got; at the beginning when there has been none.
 *
 * @throws an error whose message says that the one which was begun is another one.
 */
export function progressOf(file: string, target: Target): Progress {
  const noted = progressFileOf(file);
  if (!existsSync(noted))
    return { ...target, chunks: 0, created: 0, refused: 0, refused_bytes: 0, done: false };
  const anew = `To begin anew, delete ${noted}.`;
  const { success, data } = Progress.safeParse(parsed(readFileSync(noted, "utf8")));
  if (!success) throw new Error(`${noted} is not a note of this command. ${anew}`);
  if (data.sha256 !== target.sha256)
    throw new Error(`${basename(file)} has changed since its upload was begun. ${anew}`);
  if (data.url !== target.url || data.username !== target.username)
    throw new Error(`The upload was begun to ${data.url} as ${data.username}. ${anew}`);
  return data;
}

/** Notes how far the upload has got, all of it or nothing, whenever the process or the machine ends. */
export async function note(file: string, progress: Progress): Promise<void> {
  const beside = `${progressFileOf(file)}.new`;
  const handle = await open(beside, "w");
  try {
    await handle.writeFile(`${JSON.stringify(progress, undefined, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beside, progressFileOf(file));
}

/** The SHA-256 of a file, in hexadecimal. */
export async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
