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
 * The bytes of the body.
 *
 * @param expected what the body should be, for the error detail.
 * @throws {Problem} 400 when there is none; 415 when it has a content coding.
 */
export async function readBody(c: Context, expected: string): Promise<Uint8Array> {
  requireIdentityCoding(c);
  const bytes = new Uint8Array(await c.req.arrayBuffer());
  if (bytes.length === 0)
    throw new Problem("body_missing", `The request has no body; ${expected} is expected.`);
  return bytes;
}

/** Decodes UTF-8. Hono's `c.req.text()` would silently replace other bytes. @throws {Problem} 400 for other bytes */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Problem("invalid_utf8", "The body is not well-formed UTF-8.");
  }
}

/** Workers get a compressed body as it was sent. A few KiB of gzip can be gigabytes, so none is decompressed here. */
function requireIdentityCoding(c: Context): void {
  const codings = (c.req.header("Content-Encoding") ?? "")
    .split(",")
    .map((coding) => coding.trim().toLowerCase());
  if (codings.every((coding) => coding === "identity" || coding === "")) return;
  throw new Problem(
    "unsupported_content_encoding",
    "The body must not be compressed: send it without Content-Encoding.",
    { headers: { "Accept-Encoding": "identity" } }, // RFC 9110, section 15.5.16
  );
}

/** The media type of the body in lower case; "" when there is none, or its charset is not UTF-8. */
export function requestMediaType(c: Context): string {
  const header = c.req.header("Content-Type") ?? "";
  const [, type = ""] = UTF8_MEDIA_TYPE.exec(header) ?? [];
  return type.toLowerCase();
}

const TOKEN = "[!#$%&'*+.^_`|~\\w-]+";
/** Names of UTF-8 and of ASCII, which is a part of it. `utf8` is not registered, but many clients send it. */
const UTF8 = "(?:utf-?8|(?:us-)?ascii)";
const PARAMETER = `(?:charset=(?:${UTF8}|"${UTF8}")|(?!charset=)${TOKEN}=(?:[^\\s;"]+|"(?:[^"\\\\]|\\\\.)*"))`;

/**
 * A media type with or without parameters (RFC 9110, section 5.6.6). Only the charset counts. Several media
 * types are none: recipients differ in which one they take (section 8.3).
 */
const UTF8_MEDIA_TYPE = new RegExp(
  `^([a-z]+/[a-z0-9.+-]+)[ \\t]*(?:;[ \\t]*(?:${PARAMETER}[ \\t]*)?)*$`,
  "i",
);

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
