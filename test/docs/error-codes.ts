import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fieldErrorCodes, type ProblemCode, problemStatuses } from "../../src/http/problem-codes.ts";
import { fieldErrorCodeTexts, problemCodeTexts } from "../../src/http/problem-codes-openapi.ts";

const file = join(import.meta.dirname, "..", "..", "docs", "errors.md");

const tableOf = (header: string[], rows: string[][]): string =>
  [
    `| ${header.join(" | ")} |\n`,
    `|${"---|".repeat(header.length)}\n`,
    ...rows.map((cells) => `| ${cells.join(" | ")} |\n`),
  ].join("");

const problemTable = () =>
  tableOf(
    ["code", "status", "when", "what to do"],
    Object.entries(problemStatuses).map(([code, status]) => {
      const { when, action } = problemCodeTexts[code as ProblemCode];
      return [`\`${code}\``, String(status), when, action];
    }),
  );

const fieldTable = () =>
  tableOf(
    ["code", "what is wrong"],
    fieldErrorCodes.map((code) => [`\`${code}\``, fieldErrorCodeTexts[code]]),
  );

const replacePart = (text: string, name: string, content: string): string =>
  text.replace(
    new RegExp(`(<!-- ${name}: [^>]*-->\\n)[\\s\\S]*?(<!-- /${name} -->)`),
    (_, before, after) => `${before}${content}${after}`,
  );

/** docs/errors.md as it is, and with the current tables of codes. */
export function documents(): { current: string; updated: string } {
  const current = readFileSync(file, "utf8");
  const updated = replacePart(current, "problem codes", problemTable());
  return { current, updated: replacePart(updated, "field error codes", fieldTable()) };
}

if (import.meta.main) writeFileSync(file, documents().updated);
