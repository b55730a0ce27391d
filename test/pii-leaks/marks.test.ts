import { expect, test } from "vitest";
import { marksIn, newMark } from "./marks.ts";

const mark = newMark();
const bytes = new TextEncoder().encode(mark);
const escaped = (make: (code: number) => string) => [...bytes].map(make).join("");
const line = (value: string) => `{"request_id":"6f1c2f0e","status":503,"detail":"${value} is not valid"}`;

test.each<[how: string, written: string]>([
  ["as it is", mark],
  ["in capitals", mark.toUpperCase()],
  ["in small letters", mark.toLowerCase()],
  ["within a word", `x${mark}x`],
  ["percent-encoded", escaped((code) => `%${code.toString(16)}`)],
  ["escaped as JSON may", escaped((code) => `\\u${code.toString(16).padStart(4, "0")}`)],
  ["in hexadecimal", bytes.toHex()],
  ["in base64", btoa(mark)],
  ["in base64, one byte later", btoa(`"${mark}"`)],
  ["in base64, two bytes later", btoa(`{"${mark}"}`)],
  ["in base64 for URLs", btoa(`?>${mark}?>`).replaceAll("+", "-").replaceAll("/", "_")],
  ["in the payload of a token", `eyJhbGciOiJIUzI1NiJ9.${btoa(JSON.stringify({ sub: "1", mark }))}.x`],
  ["with spaces", [...mark].join(" ")],
])("a mark in a line of the log is found %s", (_, written) => {
  expect(marksIn(line(written), [newMark(), mark])).toEqual([mark]);
});

test("a mark that is not in the log is not found", () => {
  expect(marksIn(line(newMark()) + line(mark.slice(0, -1)), [mark])).toEqual([]);
});
