import type { Context } from "hono";
import * as z from "zod";
import { MAX_ID } from "./fields.ts";

const MAX_LIMIT = 200;
const DEFAULT_LIMIT = 50;

const limit = z
  .string()
  .regex(/^\d{1,9}$/, "Must be a whole number")
  .transform(Number)
  .pipe(z.int().min(1).max(MAX_LIMIT));

/** A cursor is opaque to clients; it holds the id that the last page ended with. */
const cursor = z.string().transform((text, context) => {
  const id = Number(/^after-(\d+)$/.exec(decode(text))?.[1]);
  if (id <= MAX_ID && text === cursorAfter(id)) return id;
  context.addIssue("Not a cursor of this API");
  return z.NEVER;
});

/** The query of a list, as a keyset page of it. */
export const PageQuery = z
  .object({ limit: limit.default(DEFAULT_LIMIT), cursor: cursor.default(0) })
  .transform(({ limit, cursor }) => ({
    /** The page begins after this id. */
    after: cursor,
    /** How many records the page holds at most. */
    size: limit,
    /** How many rows to fetch: one more than the page, to see whether there is a next one. */
    rows: limit + 1,
  }));

export type Page = z.infer<typeof PageQuery>;

/** Answers with the page that `rows` begin with, and with a link to the next one when they go on (RFC 8288). */
export function respondWithPage<Row extends { id: number }>(c: Context, rows: Row[], page: Page) {
  const records = rows.slice(0, page.size);
  const last = records.at(-1);
  if (last && rows.length > records.length) {
    const next = new URL(c.req.url);
    // Nothing else of the query: what a client writes there is not for a URL of ours to repeat.
    next.search = String(new URLSearchParams({ limit: String(page.size), cursor: cursorAfter(last.id) }));
    c.header("Link", `<${next.href}>; rel="next"`);
  }
  return c.json(records);
}

const cursorAfter = (id: number): string => btoa(`after-${id}`).replaceAll("=", "");

function decode(text: string): string {
  try {
    return atob(text);
  } catch {
    return ""; // not base64: no cursor either
  }
}
