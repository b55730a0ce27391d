import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { Problem } from "./problems.ts";

/** Lets no body pass that is larger than so many KiB. @throws {Problem} 413 */
export const limitBody = (kibibytes: number) =>
  bodyLimit({
    maxSize: kibibytes * 1024,
    onError: () => {
      throw new Problem(413, `The body is larger than ${kibibytes.toLocaleString("en")} KiB.`);
    },
  });

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/**
 * The body as text, which Hono would give with replacement characters for what is no UTF-8.
 *
 * @throws {Problem} 400 when there is none, or it is not UTF-8
 */
export async function readText(c: Context, expected: string): Promise<string> {
  const bytes = await c.req.arrayBuffer();
  if (bytes.byteLength === 0) throw new Problem(400, `The request has no body; ${expected} is expected.`);
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Problem(400, "The body is not well-formed UTF-8.");
  }
}

/** The media type of the body, in lower case; "" when it says that the body is not UTF-8, or has no type. */
export function mediaTypeOf(c: Context): string {
  const header = c.req.header("Content-Type") ?? "";
  const [, type = ""] = TYPE_IN_UTF8.exec(header) ?? [];
  return type.toLowerCase();
}

/** With parameters or without (RFC 9110, section 5.6.6), so long as they do not say that it is not UTF-8. */
const TYPE_IN_UTF8 =
  /^([a-z]+\/[a-z0-9.+-]+)[ \t]*(?:;[ \t]*(?:(?:charset=(?:utf-8|"utf-8")|(?!charset=)[\w.-]+=(?:"[^"]*"|[^\s;"]+))[ \t]*)?)*$/i;
