import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { Problem } from "./problems.ts";

/**
 * A middleware that refuses a larger body.
 *
 * @param kibibytes the largest accepted size.
 * @throws {Problem} 413
 */
export const limitBody = (kibibytes: number) =>
  bodyLimit({
    maxSize: kibibytes * 1024,
    onError: () => {
      throw new Problem("body_too_large", `The body is larger than ${kibibytes.toLocaleString("en")} KiB.`);
    },
  });

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/**
 * The body as text. Hono's `c.req.text()` would silently replace bytes that are not UTF-8.
 *
 * @param expected what the body should be, for the error detail.
 * @throws {Problem} 400 when there is none, or it is not UTF-8.
 */
export async function readBodyText(c: Context, expected: string): Promise<string> {
  const bytes = await c.req.arrayBuffer();
  if (bytes.byteLength === 0)
    throw new Problem("body_missing", `The request has no body; ${expected} is expected.`);
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Problem("invalid_utf8", "The body is not well-formed UTF-8.");
  }
}

/** The media type of the body in lower case; "" when there is none, or its charset is not UTF-8. */
export function requestMediaType(c: Context): string {
  const header = c.req.header("Content-Type") ?? "";
  const [, type = ""] = UTF8_MEDIA_TYPE.exec(header) ?? [];
  return type.toLowerCase();
}

/** A media type with or without parameters (RFC 9110, section 5.6.6) but for a charset other than UTF-8. */
const UTF8_MEDIA_TYPE =
  /^([a-z]+\/[a-z0-9.+-]+)[ \t]*(?:;[ \t]*(?:(?:charset=(?:utf-8|"utf-8")|(?!charset=)[\w.-]+=(?:"[^"]*"|[^\s;"]+))[ \t]*)?)*$/i;

/**
 * A string of JSON with its quotation marks. It takes linear time: at each character there is one way to continue.
 */
const JSON_STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/g;

/**
 * Whether an object anywhere in `json` has a duplicate key, in whatever spelling: `"a"` and `"\u0061"` are the same.
 * Parsers disagree on which of the two counts (RFC 8259, section 4), so what is validated might not be what another
 * reader sees.
 *
 * @param json well-formed JSON.
 * @param value the parsed value: it has each key once.
 */
export function hasDuplicateKey(json: string, value: unknown): boolean {
  // Outside of strings a colon stands only after a key.
  let unmatchedKeys = json.replace(JSON_STRING, "").split(":").length - 1;
  // A loop instead of recursion, because the body may be nested as deeply as it is long.
  for (const remaining = [value]; remaining.length > 0; ) {
    const node = remaining.pop();
    if (typeof node !== "object" || node === null) continue;
    const children = Object.values(node);
    if (!Array.isArray(node)) unmatchedKeys -= children.length;
    for (const child of children) remaining.push(child);
  }
  return unmatchedKeys > 0;
}
