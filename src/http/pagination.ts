import type { Context } from "hono";
import type { Json } from "../db/statement.ts";
import * as z from "../zod.ts";
import { digits, MAX_ID } from "./fields.ts";
import { respond } from "./respond.ts";

const MAX_LIMIT = 200;
const DEFAULT_LIMIT = 50;

const limit = z.pipe(
  digits(/^\d{1,9}$/, "Must be a whole number"),
  z.int().check(z.minimum(1), z.maximum(MAX_LIMIT)),
);

/** A cursor is opaque to clients; it holds the id that the last page ended with. */
const cursor = z.pipe(
  z.string(),
  z.transform((text, { issues }) => {
    const id = Number(/^after-(\d+)$/.exec(decode(text))?.[1]);
    if (id <= MAX_ID && text === cursorAfter(id)) return id;
    issues.push({ code: "custom", message: "Not a cursor of this API", input: text });
    return z.NEVER;
  }),
);

/** The query of a list, as a keyset page of it. */
export const PageQuery = z.pipe(
  z.object({ limit: z._default(limit, DEFAULT_LIMIT), cursor: z._default(cursor, 0) }),
  z.transform(({ limit, cursor }) => ({
    /** The page begins after this id. */
    after: cursor,
    /** How many records the page holds at most. */
    size: limit,
  })),
);

export type Page = z.infer<typeof PageQuery>;

/** Answers with a page, and with a link to the one that begins after the id `next`, when there is one (RFC 8288). */
export function respondWithPage<Shape>(
  c: Context,
  { body, next }: { body: Json<Shape>; next: number | null },
  page: Page,
) {
  if (next === null) return respond(body);
  const url = new URL(c.req.url);
  // Nothing else of the query: what a client writes there is not for a URL of ours to repeat.
  url.search = String(new URLSearchParams({ limit: String(page.size), cursor: cursorAfter(next) }));
  return respond(body, 200, { Link: `<${url.href}>; rel="next"` });
}

const cursorAfter = (id: number): string => btoa(`after-${id}`).replaceAll("=", "");

function decode(text: string): string {
  try {
    return atob(text);
  } catch {
    return ""; // not base64: no cursor either
  }
}
