import { foreign } from "./problem.ts";
import { type CallOptions, json, type Send } from "./request.ts";

/** Records that are asked for page by page, as they are needed; each time it is iterated, anew. */
export interface List<Shape> extends AsyncIterable<Shape> {
  /** The pages themselves, of `limit` records each but for the last. */
  pages(): AsyncGenerator<Shape[], void, undefined>;
}

interface Page<Shape> {
  records: Shape[];
  /** The query of the page after it. */
  next: object | undefined;
}

/**
 * The records of a list route.
 *
 * @param first filters, `sort`, and `limit`, how many records a page holds.
 */
export function list<Shape>(
  send: Send,
  path: string,
  first: object = {},
  { signal }: CallOptions = {},
): List<Shape> {
  async function* pages(): AsyncGenerator<Shape[], void, undefined> {
    let query: object | undefined = first;
    while (query) {
      const page: Page<Shape> = await send({
        ...{ method: "GET", path, query, signal, isRepeatable: true },
        read: async (response) => ({ records: await array(response), next: queryOfNext(response) }),
      });
      query = page.next;
      yield page.records;
    }
  }
  return {
    pages,
    async *[Symbol.asyncIterator]() {
      for await (const records of pages())
        for (const record of records) {
          signal?.throwIfAborted();
          yield record;
        }
    },
  };
}

async function array<Shape>(response: Response): Promise<Shape[]> {
  const records = await json<Shape[]>(response);
  if (!Array.isArray(records)) throw foreign(response);
  return records;
}

/**
 * The query of the `Link` to the next page (RFC 8288), which says all of it. Of the reference nothing else is taken: the
 * path is known, behind a gateway theirs need not be ours, and the token is for nobody else.
 */
function queryOfNext({ headers }: Response): object | undefined {
  const [, url] = /<([^>]*)>;[^<]*\brel="?next\b/.exec(headers.get("Link") ?? "") ?? [];
  const query = url?.split("?")[1];
  return query === undefined ? undefined : Object.fromEntries(new URLSearchParams(query));
}
