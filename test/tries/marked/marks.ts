import { unique } from "../../support/accounts.ts";

/** A value that nothing else is like. It has letters of both cases, and none that JSON or a URL would write otherwise. */
export const newMark = (): string => unique("Rumpelstilz");

const inBase64 = (text: string): string[] => {
  const bytes = new TextEncoder().encode(text);
  // Where a group of three bytes begins is not known: what the first and the last share with others is left out.
  return [0, 1, 2].map((before) => {
    const whole = new Uint8Array(before + bytes.length);
    whole.set(bytes, before);
    return whole.toBase64({ omitPadding: true }).slice(before && before + 1, -2);
  });
};
const inHex = (text: string): string => new TextEncoder().encode(text).toHex();

/** How a value may be written so that only whoever knows how reads it. */
const spellings = (mark: string): string[] =>
  [mark, ...inBase64(mark), ...inBase64(mark).map(urlSafe), inHex(mark)].map((one) => one.toLowerCase());
const urlSafe = (text: string) => text.replaceAll("+", "-").replaceAll("/", "_");

const number = (hex: string) => String.fromCharCode(Number.parseInt(hex, 16));

/** A text as it stands, and with what is escaped in it as it was before. */
const readings = (text: string): string[] =>
  [
    text,
    text.replace(/%([0-9a-f]{2})/gi, (_, hex) => number(hex)).replaceAll("+", " "),
    text.replace(/\\u([0-9a-f]{4})/gi, (_, hex) => number(hex)),
    text.replace(/\\(["\\/])/g, "$1"),
    text.replace(/[\s.,;:|-]+/g, ""),
  ].map((one) => one.toLowerCase());

/** The marks that a text tells, in whatever case and however they are encoded. */
export function marksIn(text: string, marks: Iterable<string>): string[] {
  const read = readings(text);
  return [...marks].filter((mark) => spellings(mark).some((one) => read.some((text) => text.includes(one))));
}
