import { unexpectedResponse } from "./problem.ts";
import type { CallOptions, Send } from "./request.ts";
import { readJson } from "./response.ts";
import type { ChangePage, RecordChange } from "./types.ts";

/**
 * What has changed. Iterating requests page after page and ends when there is nothing new; another iteration goes on
 * from there. It throws a `ProblemError`, with the code `cursor_expired` when everything has to be read again.
 */
export interface Changes extends AsyncIterable<RecordChange> {
  /**
   * Where to go on: the next `since`. It moves on with each page whose changes have all been processed, so a program
   * that stops in the middle of a page gets that page again.
   */
  readonly cursor: string | undefined;
  /** The same changes page by page, to store a page and its cursor together. */
  pages(): AsyncGenerator<ChangePage, void, undefined>;
}

/**
 * Reads the changes since a cursor, or everything without one. Nothing is sent until the changes are read.
 */
export function listChanges(
  send: Send,
  { since }: { since?: string | undefined } = {},
  options: CallOptions = {},
): Changes {
  let cursor = since;

  async function* pages(): AsyncGenerator<ChangePage, void, undefined> {
    for (;;) {
      const page = await send({
        ...{ method: "GET", path: "api/changes/", query: { since: cursor }, options, isIdempotent: true },
        read: readPage,
      });
      if (page.changes.length > 0) yield page;
      cursor = page.cursor;
      if (page.changes.length === 0) return;
    }
  }

  return {
    get cursor() {
      return cursor;
    },
    pages,
    async *[Symbol.asyncIterator]() {
      for await (const { changes } of pages())
        for (const change of changes) {
          options.signal?.throwIfAborted();
          yield change;
        }
    },
  };
}

async function readPage(response: Response): Promise<ChangePage> {
  const page = await readJson<ChangePage | undefined>(response);
  if (!Array.isArray(page?.changes) || typeof page.cursor !== "string") throw unexpectedResponse(response);
  return page;
}
