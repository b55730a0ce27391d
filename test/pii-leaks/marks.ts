import { uniqueName } from "../support/accounts.ts";

/** A unique value with letters of both cases, and without characters that JSON or a URL would escape. */
export const newMark = (): string => uniqueName("Rumpelstilz");

const inBase64 = (text: string): string[] => {
  const bytes = new TextEncoder().encode(text);
  // The text can start at any byte of a group of three. Characters that encode bytes of its neighbours too are left
  // out.
  return [0, 1, 2].map((before) => {
    const whole = new Uint8Array(before + bytes.length);
    whole.set(bytes, before);
    return whole.toBase64({ omitPadding: true }).slice(before && before + 1, -2);
  });
};
const inHex = (text: string): string => new TextEncoder().encode(text).toHex();

/** The encodings of a mark that are searched for. */
const spellings = (mark: string): string[] =>
  [mark, ...inBase64(mark), ...inBase64(mark).map(urlSafe), inHex(mark)].map((one) => one.toLowerCase());
const urlSafe = (text: string) => text.replaceAll("+", "-").replaceAll("/", "_");

const number = (hex: string) => String.fromCharCode(Number.parseInt(hex, 16));

/** A text as it is, and with its escapes resolved. */
const readings = (text: string): string[] =>
  [
    text,
    text.replace(/%([0-9a-f]{2})/gi, (_, hex) => number(hex)).replaceAll("+", " "),
    text.replace(/\\u([0-9a-f]{4})/gi, (_, hex) => number(hex)),
    text.replace(/\\(["\\/])/g, "$1"),
    text.replace(/[\s.,;:|-]+/g, ""),
  ].map((one) => one.toLowerCase());

/** Lists the marks that a text contains, in any case and encoding. */
export function marksIn(text: string, marks: Iterable<string>): string[] {
  const read = readings(text);
  return [...marks].filter((mark) => spellings(mark).some((one) => read.some((text) => text.includes(one))));
}
