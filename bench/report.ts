import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { BUDGET_CONNECTIONS, type Cost, type Growth, type Results } from "./results.ts";
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

/** Readable on white and on black: the plot says by itself which it is on. */
const style = `
  svg { --product: #0969da; --floor: #6e7781; --budget: #bc4c00; color: #1f2328; font: 12px system-ui, sans-serif; }
  @media (prefers-color-scheme: dark) { svg { --product: #4493f8; --floor: #9198a1; --budget: #db6d28; color: #e6edf3; } }`;

/** Draws into an SVG file beside this one. */
function draw(file: string, title: string, options: Plot.PlotOptions): void {
  const { document } = parseHTML("<html><body></body></html>");
  const svg = Plot.plot({ ...options, document, figure: false });
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", title);
  svg.removeAttribute("class");
  for (const own of svg.querySelectorAll("style")) own.remove();
  const sheet = document.createElement("style");
  sheet.textContent = style;
  svg.prepend(sheet);
  writeFileSync(join(import.meta.dirname, file), `${svg.outerHTML}\n`);
}

/** The Worker's CPU by kind, and the floor's. */
export function drawCost(rows: Cost[]): void {
  const there = rows.filter(({ connections }) => connections === BUDGET_CONNECTIONS);
  const sides = there.flatMap(({ kind, product, floor }) => [
    { kind, of: "product", ms: product.worker.median },
    { kind, of: "floor", ms: floor.worker.median },
  ]);
  const [least, most] = [Math.min(...sides.map(({ ms }) => ms)), Math.max(...sides.map(({ ms }) => ms))];
  const color = ({ of }: { of: string }) => `var(--${of})`;
  draw("cost.svg", "CPU of the Worker by kind of request, beside the floor", {
    width: 760,
    height: 60 + 26 * there.length,
    marginLeft: 150,
    marginRight: 50,
    marginTop: 40,
    marginBottom: 40,
    x: {
      type: "log",
      label: `CPU of the Worker, ms a request, ${BUDGET_CONNECTIONS} connections →`,
      domain: [0.9 * least, 1.1 * most],
      ticks: [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100].filter((ms) => ms > least && ms < most),
      tickFormat: String,
      grid: true,
    },
    y: { domain: there.map(({ kind }) => kind), label: null },
    marks: [
      Plot.link(there, {
        x1: ({ floor }: Cost) => floor.worker.median,
        x2: ({ product }: Cost) => product.worker.median,
        y: "kind",
        stroke: "var(--floor)",
        strokeWidth: 2,
        strokeOpacity: 0.5,
      }),
      Plot.tickX(there, {
        x: ({ floor, limit }: Cost) => limit && floor.worker.median * limit,
        y: "kind",
        stroke: "var(--budget)",
        strokeWidth: 2,
        inset: 3,
      }),
      Plot.dot(sides, { x: "ms", y: "kind", r: 5, fill: color }),
      Plot.text(there, {
        x: ({ floor, product }: Cost) => Math.max(floor.worker.median, product.worker.median),
        y: "kind",
        dx: 12,
        textAnchor: "start",
        fill: "currentColor",
        text: ({ ratio }: Cost) => `× ${ratio.median.toFixed(2)}`,
      }),
      ...legend,
    ],
  });
}

/** Coloured words above the frame. */
const legend = [
  { text: "● the API", fill: "var(--product)" },
  { text: "● the floor", fill: "var(--floor)" },
  { text: "▏its budget", fill: "var(--budget)" },
].map(({ text, fill }, i) => Plot.text([text], { frameAnchor: "top-left", dx: 90 * i, dy: -34, fill }));

/** How long each kind takes as the database grows. */
export function drawGrowth(rows: Growth[]): void {
  const shown = rows.filter(({ kind }) => kind !== "login");
  const sizes = [...new Set(shown.map(({ patients }) => patients))];
  const last = Math.max(...sizes);
  const ends = spreadOut(shown.filter(({ patients }) => patients === last));
  draw("growth.svg", "Median time by kind of request and number of patients", {
    width: 760,
    height: 420,
    marginRight: 230,
    marginTop: 30,
    x: { type: "log", label: "patients →", tickFormat: (d: number) => d.toLocaleString("en"), ticks: sizes },
    y: { zero: true, grid: true, label: "↑ p50, ms, one connection" },
    marks: [
      Plot.ruleY([0], { stroke: "currentColor" }),
      Plot.line(shown, {
        x: "patients",
        y: ({ p50 }: Growth) => p50.median,
        z: "kind",
        stroke: "var(--product)",
      }),
      Plot.dot(shown, { x: "patients", y: ({ p50 }: Growth) => p50.median, fill: "var(--product)", r: 3 }),
      Plot.text(ends, {
        x: "patients",
        y: "place",
        dx: 10,
        textAnchor: "start",
        fill: "currentColor",
        text: ({ kind, ratio }: Growth) => `${kind}  × ${ratio.median.toFixed(2)}`,
      }),
    ],
  });
}

/** Places for labels near their lines, so that none covers another. */
function spreadOut(rows: Growth[]): (Growth & { place: number })[] {
  const highest = Math.max(...rows.map(({ p50 }) => p50.median));
  let below = 0;
  return rows
    .toSorted((a, b) => a.p50.median - b.p50.median)
    .map((row) => {
      below = Math.max(row.p50.median, below + highest / 26);
      return { ...row, place: below };
    });
}
