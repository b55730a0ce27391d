import { open } from "node:fs/promises";

/** A record that was not created, and what is wrong with which of its fields. */
export interface Refusal {
  /** Where it begins in the file, from 1. */
  line: number;
  errors: Record<string, string[]>;
}

export const refusedFileOf = (file: string): string => `${file}.refused.ndjson`;

/**
 * Writes down what was refused, after the first so many bytes: what is there behind them was written for a chunk that
 * nobody has noted, and comes again.
 *
 * @returns how long the file is then.
 */
export async function writeRefused(file: string, after: number, refused: Refusal[]): Promise<number> {
  if (after === 0 && refused.length === 0) return 0;
  const text = refused.map((refusal) => `${JSON.stringify(refusal)}\n`).join("");
  const handle = await open(refusedFileOf(file), after === 0 ? "w" : "r+");
  try {
    await handle.truncate(after);
    const { bytesWritten } = await handle.write(text, after);
    await handle.sync();
    return after + bytesWritten;
  } finally {
    await handle.close();
  }
}
