import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rendered } from "../rights/table.ts";

const file = join(import.meta.dirname, "..", "..", "SECURITY.md");
const PART = /(<!-- rights: [^>]*-->\n)[\s\S]*?(<!-- \/rights -->)/;

/** SECURITY.md as it is, and with the table as it is now. */
export function documents(): { is: string; should: string } {
  const is = readFileSync(file, "utf8");
  return { is, should: is.replace(PART, (_, before, after) => `${before}${rendered()}\n${after}`) };
}

if (import.meta.main) writeFileSync(file, documents().should);
