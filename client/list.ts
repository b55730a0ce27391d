import { unexpectedResponse } from "./problem.ts";
import type { CallOptions, Send } from "./request.ts";
import { readJson } from "./response.ts";

/** The API's longest page. */
const MAX_LIMIT = 200;

/**
 * The records of a list. Iterating requests page after page, when it needs the next one; each iteration starts anew.
 */
export interface List<Shape, Page = Shape[]> extends AsyncIterable<Shape> {
  /**
   * The same records page by page: arrays of `limit` records, fewer on the last page. A page of slots is an object that
   * has them, and what they have in common.
   */
  pages(): AsyncGenerator<Page, void, undefined>;
  /** Requests the first record only; `undefined` when there is none. */
  first(): Promise<Shape | undefined>;
  /**
   * Collects the records, at most `max` of them, with as few requests as that needs: without `limit` in the query, a
   * page has up to 200 records.
   *
   * @throws {TypeError} when `max` is not a positive integer.
   */
  toArray(options?: { max?: number | undefined }): Promise<Shape[]>;
}

/**
 * Lists the records of a route. Nothing is sent until the list is read.
 *
 * @param firstQuery filters, `sort`, and `limit`, the number of records a page.
 * @param recordsOf the records of a page that is not an array.
 * @returns a list whose methods throw a `ProblemError` when a page cannot be read.
 */
export function list<Shape, Page = Shape[]>(
  send: Send,
  path: string,
  firstQuery: { limit?: number | undefined } = {},
  options: CallOptions = {},
  recordsOf: (page: Page) => Shape[] = (page) => page as Page & Shape[],
): List<Shape, Page> {
  async function readPage(response: Response) {
    const page = await readJson<Page>(response);
    if (!Array.isArray(page && recordsOf(page))) throw unexpectedResponse(response);
    return { page, next: nextQueryOf(response) };
  }

  async function* pages(limit = firstQuery.limit): AsyncGenerator<Page, void, undefined> {
    let query: object | undefined = { ...firstQuery, limit };
    while (query) {
      const { page, next }: Awaited<ReturnType<typeof readPage>> = await send({
        ...{ method: "GET", path, query, options, isIdempotent: true },
        read: readPage,
      });
      query = next;
      yield page;
    }
  }

  async function toArray({ max }: { max?: number | undefined } = {}): Promise<Shape[]> {
    if (max !== undefined && !(Number.isSafeInteger(max) && max > 0))
      throw new TypeError("max must be a positive integer.");
    const { limit = MAX_LIMIT } = firstQuery;
    const all: Shape[] = [];
    for await (const page of pages(Math.min(limit, max ?? limit))) {
      all.push(...recordsOf(page));
      if (max && all.length >= max) break;
    }
    return all.slice(0, max);
  }

  return {
    pages: () => pages(),
    first: async () => (await toArray({ max: 1 }))[0],
    toArray,
    async *[Symbol.asyncIterator]() {
      for await (const page of pages())
        for (const record of recordsOf(page)) {
          options.signal?.throwIfAborted();
          yield record;
        }
    },
  };
}

/**
 * The query of the `Link` to the next page (RFC 8288). The rest of that URL is ignored: behind a gateway its host and
 * path may differ from ours, and the access token must not go to another host.
 */
function nextQueryOf({ headers }: Response): object | undefined {
  const [, url] = /<([^>]*)>;[^<]*\brel="?next\b/.exec(headers.get("Link") ?? "") ?? [];
  const query = url?.split("?")[1];
  return query === undefined ? undefined : Object.fromEntries(new URLSearchParams(query));
}
