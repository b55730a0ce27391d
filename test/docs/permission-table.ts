import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderPermissionTable } from "../permissions/table.ts";

const file = join(import.meta.dirname, "..", "..", "SECURITY.md");
const PART = /(<!-- permissions: [^>]*-->\n)[\s\S]*?(<!-- \/permissions -->)/;

/** SECURITY.md as it is, and with the current permissions table. */
export function documents(): { current: string; updated: string } {
  const current = readFileSync(file, "utf8");
  return {
    current,
    updated: current.replace(PART, (_, before, after) => `${before}${renderPermissionTable()}\n${after}`),
  };
}

if (import.meta.main) writeFileSync(file, documents().updated);
