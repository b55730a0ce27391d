import { expect, test } from "vitest";
import { escapeText, foldLine, formatCalendar } from "../../src/calendar-feeds/icalendar.ts";

const unfold = (text: string) => text.replaceAll("\r\n ", "");
const bytesOf = (line: string) => new TextEncoder().encode(line).length;

test.each<[what: string, line: string, lines: number]>([
  ["75 bytes", "x".repeat(75), 1],
  ["76 bytes", "x".repeat(76), 2],
  ["three full lines", "x".repeat(75 + 74 + 74), 3],
  ["characters of two bytes", "é".repeat(75), 3],
  ["characters of four bytes", "🗓".repeat(38), 3],
])("a line of %s is folded at 75 bytes, and no character is split", (_, line, count) => {
  const lines = foldLine(line).split("\r\n");
  expect(lines).toHaveLength(count);
  expect(Math.max(...lines.map(bytesOf))).toBeLessThanOrEqual(75);
  expect(unfold(foldLine(line))).toBe(line);
  expect(foldLine(line).isWellFormed()).toBe(true);
});

test.each<[text: string, escaped: string]>([
  ["North; South, and \\", "North\\; South\\, and \\\\"],
  ["one\r\ntwo\nthree\rfour\u2028five", "one\\ntwo\\nthree\\nfour\\nfive"],
  ["bell\u0007, tab\t and \u007f", "bell\\, tab and "],
  ["BEGIN:VEVENT", "BEGIN:VEVENT"],
])("the text %j is written as %j", (text, escaped) => {
  expect(escapeText(text)).toBe(escaped);
});

test("a calendar without appointments has a time zone, because it must have a component", () => {
  const lines = formatCalendar("North", [], "api.test").split("\r\n");
  expect(lines.filter((line) => line.startsWith("BEGIN:"))).toEqual([
    "BEGIN:VCALENDAR",
    "BEGIN:VTIMEZONE",
    "BEGIN:STANDARD",
  ]);
});
