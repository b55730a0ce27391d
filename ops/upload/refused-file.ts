import { open } from "node:fs/promises";
import type { Imported } from "../../client/index.ts";

/** A record that the API refused: the line of the file at which it begins, from 1, and what is wrong with each field. */
export type RefusedRecord = Imported["refused"][number];

/** The path of the file of refused records, one as JSON a line. */
export const refusedFileOf = (file: string): string => `${file}.refused.ndjson`;

/**
 * Writes refused records to their file, after its first `offset` bytes. Anything after those was written for a chunk
 * that is not in the progress file, because the process was killed: that chunk is sent again.
 *
 * @param file the uploaded file.
 * @returns the length of the file of refused records, in bytes.
 */
export async function writeRefused(file: string, offset: number, refused: RefusedRecord[]): Promise<number> {
  if (offset === 0 && refused.length === 0) return 0;
  const text = refused.map((refusal) => `${JSON.stringify(refusal)}\n`).join("");
  const handle = await open(refusedFileOf(file), offset === 0 ? "w" : "r+");
  try {
    await handle.truncate(offset);
    const { bytesWritten } = await handle.write(text, offset);
    await handle.sync();
    return offset + bytesWritten;
  } finally {
    await handle.close();
  }
}
