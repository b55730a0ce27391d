import type { Quartiles } from "./measure.ts";

/** The heading of a column, and the text of its cell in a row. */
export type Column<Row> = [heading: string, cell: (row: Row) => string];

/** The kinds of requests of some rows, each once. */
export const listKinds = (rows: { kind: string }[]): string[] => [...new Set(rows.map(({ kind }) => kind))];

/** Formats a number with `digits` decimals; "—" when there is none. */
export const formatNumber = (value: number | undefined, digits = 2): string =>
  value?.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    signDisplay: "negative",
  }) ?? "—";
/** Formats a number without decimals. */
export const formatInteger = (value: number): string => formatNumber(value, 0);
/** Formats an amount of US dollars. */
export const formatDollars = (value: number): string => `$${formatNumber(value, 3)}`;
/** The first and the third quartile. */
export const formatRange = ({ low, high }: Quartiles, digits = 2): string =>
  `${formatNumber(low, digits)}–${formatNumber(high, digits)}`;
/** The median, and the quartiles in parentheses; empty when there are none. */
export const formatQuartiles = (quartiles: Quartiles | undefined, digits = 2): string =>
  quartiles ? `${formatNumber(quartiles.median, digits)} (${formatRange(quartiles, digits)})` : "";

/** A Markdown table with a line for each row. */
export const renderTable = <Row>(rows: Row[], columns: Column<Row>[]): string =>
  joinTable(
    columns.map(([heading]) => heading),
    rows.map((row) => columns.map(([, cell]) => cell(row))),
  );

/** A Markdown table. The first column is aligned left, the others right. */
export function joinTable(head: string[], rows: string[][]): string {
  const rule = head.map((_, i) => (i === 0 ? "---" : "--:"));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
