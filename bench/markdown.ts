import type { Spread } from "./measure.ts";

export const number = (value: number, digits = 2): string =>
  value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    signDisplay: "negative",
  });
export const whole = (value: number): string => number(value, 0);
export const withQuartiles = ({ median, low, high }: Spread): string =>
  `${number(median)} (${number(low)}–${number(high)})`;

/** A table of Markdown; the first column is text, the others numbers. */
export function table(head: string[], rows: string[][]): string {
  const rule = head.map((_, i) => (i === 0 ? "---" : "--:"));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
