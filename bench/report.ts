import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { type BenchResults, BUDGET_CONNECTIONS, type CostRow, type GrowthRow } from "./results.ts";
import { tableSections } from "./tables.ts";

/** All tables there are results for, to be printed. */
export function renderTables(results: BenchResults): string {
  const tables = Object.entries(tableSections).map(([name, render]) => ({ name, table: render(results) }));
  return tables
    .filter(({ table }) => table)
    .map(({ name, table }) => `## ${name}\n\n${table}\n`)
    .join("\n");
}

/** Replaces the tables in bench/README.md, each between the comments with its name, and draws the plots. */
export function writeReport(results: BenchResults): void {
  const file = join(import.meta.dirname, "README.md");
  let text = readFileSync(file, "utf8");
  for (const [name, render] of Object.entries(tableSections)) {
    const table = render(results);
    const section = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`);
    if (!section.test(text)) throw new Error(`bench/README.md has no <!-- ${name} --> … <!-- /${name} -->.`);
    if (table) text = text.replace(section, (_, begin, end) => `${begin}\n${table}\n\n${end}`);
  }
  writeFileSync(file, text);
  if (results.cost) drawCost(results.cost.rows);
  if (results.growth) drawGrowth(results.growth.rows);
}

/** Colours for a light and a dark background. GitHub shows the SVG as an image, so the style must be inside it. */
const style = `
  svg { --api: #0969da; --bare: #6e7781; --budget: #bc4c00; color: #1f2328; font: 12px system-ui, sans-serif; }
  @media (prefers-color-scheme: dark) { svg { --api: #4493f8; --bare: #9198a1; --budget: #db6d28; color: #e6edf3; } }`;

/** Draws a plot into an SVG file in this folder. */
function draw(file: string, title: string, options: Plot.PlotOptions): void {
  const { document } = parseHTML("<html><body></body></html>");
  const svg = Plot.plot({ ...options, document, figure: false });
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", title);
  svg.removeAttribute("class");
  for (const defaultStyle of svg.querySelectorAll("style")) defaultStyle.remove();
  const styleElement = document.createElement("style");
  styleElement.textContent = style;
  svg.prepend(styleElement);
  writeFileSync(join(import.meta.dirname, file), `${svg.outerHTML}\n`);
}

/** Plots the Worker's CPU by kind of request, in the API and in the bare Worker. */
function drawCost(rows: CostRow[]): void {
  const costs = rows.filter(({ connections }) => connections === BUDGET_CONNECTIONS);
  const dots = costs.flatMap(({ kind, api, bare }) => [
    { kind, color: "var(--api)", ms: api.workerCpu.median },
    { kind, color: "var(--bare)", ms: bare.workerCpu.median },
  ]);
  const [least, most] = [Math.min(...dots.map(({ ms }) => ms)), Math.max(...dots.map(({ ms }) => ms))];
  draw("cost.svg", "Worker CPU by kind of request, compared with the bare statements", {
    width: 760,
    height: 60 + 26 * costs.length,
    marginLeft: 150,
    marginRight: 50,
    marginTop: 40,
    marginBottom: 40,
    x: {
      type: "log",
      label: `Worker CPU per request, ms (${BUDGET_CONNECTIONS} connections) →`,
      domain: [0.9 * least, 1.1 * most],
      ticks: [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100].filter((ms) => ms > least && ms < most),
      tickFormat: String,
      grid: true,
    },
    y: { domain: costs.map(({ kind }) => kind), label: null },
    marks: [
      Plot.link(costs, {
        x1: ({ bare }: CostRow) => bare.workerCpu.median,
        x2: ({ api }: CostRow) => api.workerCpu.median,
        y: "kind",
        stroke: "var(--bare)",
        strokeWidth: 2,
        strokeOpacity: 0.5,
      }),
      Plot.tickX(costs, {
        x: ({ bare, workerCpuLimit }: CostRow) => workerCpuLimit && bare.workerCpu.median * workerCpuLimit,
        y: "kind",
        stroke: "var(--budget)",
        strokeWidth: 2,
        inset: 3,
      }),
      Plot.dot(dots, { x: "ms", y: "kind", r: 5, fill: "color" }),
      Plot.text(costs, {
        x: ({ bare, api }: CostRow) => Math.max(bare.workerCpu.median, api.workerCpu.median),
        y: "kind",
        dx: 12,
        textAnchor: "start",
        fill: "currentColor",
        text: ({ workerRatio }: CostRow) => `× ${workerRatio.median.toFixed(2)}`,
      }),
      ...legend,
    ],
  });
}

/** Coloured words above the plot. */
const legend = [
  { text: "● API", fill: "var(--api)" },
  { text: "● bare", fill: "var(--bare)" },
  { text: "▏budget", fill: "var(--budget)" },
].map(({ text, fill }, i) => Plot.text([text], { frameAnchor: "top-left", dx: 90 * i, dy: -34, fill }));

/** Plots how long each kind of request takes as the database grows. */
function drawGrowth(rows: GrowthRow[]): void {
  const lines = rows.filter(({ kind }) => kind !== "login");
  const sizes = [...new Set(lines.map(({ patients }) => patients))];
  const last = Math.max(...sizes);
  const labels = placeLabels(lines.filter(({ patients }) => patients === last));
  draw("growth.svg", "p50 by kind of request and number of patients", {
    width: 760,
    height: 420,
    marginRight: 250,
    marginTop: 30,
    x: { type: "log", label: "patients →", tickFormat: (d: number) => d.toLocaleString("en"), ticks: sizes },
    y: { zero: true, grid: true, label: "↑ p50, ms, one connection" },
    marks: [
      Plot.ruleY([0], { stroke: "currentColor" }),
      Plot.line(lines, {
        x: "patients",
        y: ({ p50 }: GrowthRow) => p50.median,
        z: "kind",
        stroke: "var(--api)",
      }),
      Plot.dot(lines, { x: "patients", y: ({ p50 }: GrowthRow) => p50.median, fill: "var(--api)", r: 3 }),
      Plot.text(labels, {
        x: "patients",
        y: "position",
        dx: 10,
        textAnchor: "start",
        fill: "currentColor",
        text: ({ kind, ratio }: GrowthRow) => `${kind}  × ${ratio.median.toFixed(2)}`,
      }),
    ],
  });
}

/** Positions for the labels: close to the ends of their lines, without overlap. */
function placeLabels(rows: GrowthRow[]): (GrowthRow & { position: number })[] {
  const highest = Math.max(...rows.map(({ p50 }) => p50.median));
  let below = 0;
  return rows
    .toSorted((a, b) => a.p50.median - b.p50.median)
    .map((row) => {
      below = Math.max(row.p50.median, below + highest / 26);
      return { ...row, position: below };
    });
}
