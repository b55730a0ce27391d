import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drawCost, drawGrowth } from "./plots.ts";
import type { Results } from "./results.ts";
import { sections } from "./tables.ts";

/** All tables, for a terminal. */
export const tablesOf = (results: Results): string =>
  Object.entries(sections)
    .flatMap(([name, section]) => (section(results) ? [`## ${name}\n\n${section(results)}\n`] : []))
    .join("\n");

/** Writes the tables between the comments of bench/README.md that bear their names, and the plots. */
export function report(results: Results): void {
  const file = join(import.meta.dirname, "README.md");
  let text = readFileSync(file, "utf8");
  for (const [name, section] of Object.entries(sections)) {
    const filled = section(results);
    const place = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`);
    if (!place.test(text)) throw new Error(`bench/README.md has no place for ${name}.`);
    if (filled) text = text.replace(place, (_, begin, end) => `${begin}\n${filled}\n\n${end}`);
  }
  writeFileSync(file, text);
  if (results.cost) drawCost(results.cost.rows);
  if (results.growth) drawGrowth(results.growth.rows);
}
