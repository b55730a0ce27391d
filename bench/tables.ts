import type { Spread } from "./measure.ts";
import { BUDGET_CONNECTIONS, budgets, type Cost, type Part, type Results, slopes } from "./results.ts";

/** The tables of each section of bench/README.md that there are results for, by its name. */
export const sections: Record<string, (results: Results) => string | undefined> = {
  measured(results) {
    const parts: [string, Part][] = Object.entries(results);
    const rows = parts.map(([part, { measured = {} }]) => [part, ...Object.values(measured)]);
    return table(["part", "on", "commit", "machine", "software"], rows).replaceAll("--:", "---");
  },

  budgets(results) {
    const rows = budgets(results).map(({ what, limit, value, met }) => [
      what,
      number(value),
      String(limit),
      met ? "✓" : "**missed**",
    ]);
    return table(["budget", "measured", "at most", ""], rows);
  },

  cost: ({ cost }) =>
    cost &&
    table(
      [
        "kind",
        "Worker",
        "floor",
        "ratio",
        "of rounds, quartiles",
        "budget",
        "endpoint",
        "floor",
        "PostgreSQL",
        "floor",
        "database requests",
        "its bytes",
        "floor",
        "answer's bytes",
      ],
      atBudget(cost.rows).map(({ kind, product, floor, ratio, limit }) => [
        kind,
        number(product.worker.median),
        number(floor.worker.median),
        number(ratio.median),
        `${number(ratio.low)}–${number(ratio.high)}`,
        limit === undefined ? "" : String(limit),
        number(product.endpoint.median),
        number(floor.endpoint.median),
        number(product.postgres.median),
        number(floor.postgres.median),
        String(product.asked.median),
        whole(product.databaseBytes.median),
        whole(floor.databaseBytes.median),
        whole(product.bytes.median),
      ]),
    ),

  load: ({ cost }) =>
    cost &&
    table(
      ["kind", "connections", "requests/s (quartiles)", "floor", "p50, ms", "floor", "p99, ms", "floor"],
      cost.rows
        .toSorted(
          (a, b) =>
            kindsOf(cost.rows).indexOf(a.kind) - kindsOf(cost.rows).indexOf(b.kind) ||
            a.connections - b.connections,
        )
        .map(({ kind, connections, product, floor }) => [
          kind,
          String(connections),
          `${whole(product.rate.median)} (${whole(product.rate.low)}–${whole(product.rate.high)})`,
          whole(floor.rate.median),
          number(product.p50.median),
          number(floor.p50.median),
          number(product.p99.median),
          number(floor.p99.median),
        ]),
    ),

  memory: ({ cost }) =>
    cost &&
    table(
      ["", "API", "floor", "endpoint", "PostgreSQL"],
      [
        [
          "MiB in RAM at the end",
          whole(cost.memory.product),
          whole(cost.memory.floor),
          whole(cost.memory.endpoint),
          cost.memory.postgres ? whole(cost.memory.postgres) : "elsewhere",
        ],
      ],
    ),

  growth({ growth }) {
    if (!growth) return undefined;
    const sizes = growth.fill.map(({ patients }) => patients);
    const rows = kindsOf(growth.rows).map((kind) => {
      const at = (patients: number) =>
        growth.rows.find((row) => row.kind === kind && row.patients === patients);
      const cells = sizes.map((patients) => at(patients)?.p50).map((p50) => (p50 ? number(p50.median) : "—"));
      const last = at(Math.max(...sizes));
      return [kind, ...cells, last ? withQuartiles(last.ratio) : ""];
    });
    const filled = growth.fill.map(
      ({ patients, seconds, mebibytes }) =>
        `${whole(patients)} patients in ${number(seconds, 1)} s make a database of ${whole(mebibytes)} MiB`,
    );
    return `${table(["p50, ms", ...sizes.map(whole), "ratio (quartiles)"], rows)}\n\nDemo data: ${filled.join(", ")}.`;
  },

  distance({ distance }) {
    if (!distance) return undefined;
    const delays = [...new Set(distance.rows.map(({ delay }) => delay))];
    const rows = slopes(distance.rows).map(({ kind, asks, slope, constant }) => [
      kind,
      ...delays.map((delay) =>
        number(distance.rows.find((row) => row.kind === kind && row.delay === delay)?.ms ?? 0, 1),
      ),
      number(slope),
      String(asks),
      number(constant, 1),
    ]);
    return table(
      ["ms", ...delays.map((delay) => `+ ${delay} ms`), "delays taken", "database requests", "constant"],
      rows,
    );
  },

  start({ start }) {
    if (!start) return undefined;
    const parts = start.parts.map(({ name, bytes }) => [
      name,
      number(bytes / 1024, 1),
      `${number((100 * bytes) / start.bytes, 1)} %`,
    ]);
    const weight = table(["whose code", "KiB, minified", "of all"], parts);
    const { startup, firstAnswer } = start;
    const cpu = table(
      ["start-up CPU, ms", "fastest", "median (quartiles)"],
      [
        [
          "by `wrangler check startup`",
          startup ? number(startup.fastest) : "did not run",
          startup ? withQuartiles(startup.all) : "",
        ],
        ["of workerd up to its first answer, above an empty Worker's", "", withQuartiles(firstAnswer)],
      ],
    );
    return `${number(start.gzip / 1024, 1)} KiB gzip, ${number(start.bytes / 1024, 1)} KiB minified.\n\n${weight}\n\n${cpu}`;
  },

  record: ({ record }) =>
    record &&
    table(
      [
        ...["kind", "events on record", "Worker, CPU ms", "without", "PostgreSQL, CPU ms", "without"],
        ...["p50, ms", "without", "p99, ms", "without"],
      ],
      record.rows.map(({ kind, events, recorded, unrecorded }) => [
        kind,
        whole(events),
        ...(["worker", "postgres", "p50", "p99"] as const).flatMap((figure) => [
          number(recorded[figure].median),
          number(unrecorded[figure].median),
        ]),
      ]),
    ),

  soak({ soak }) {
    if (!soak) return undefined;
    const { connections, seconds, requests, p50, p99, failures, memory } = soak;
    const figures = [requests, requests / seconds, failures.refused, failures.broken, failures.late];
    const load = table(
      ["connections", "requests", "requests/s", "not 2xx", "broken", "late", "p50, ms", "p99, ms"],
      [[String(connections), ...figures.map(whole), number(p50), number(p99)]],
    );
    const rows = Object.entries(memory).map(([process, { warm, end }]) => [
      process,
      whole(warm),
      whole(end),
      number(end / warm),
    ]);
    return `${load}\n\n${table(["MiB in RAM", "when warm", `after ${seconds} s`, "ratio"], rows)}`;
  },

  logins: ({ logins }) =>
    logins &&
    table(
      ["refused for", "median, ms", "quartiles"],
      logins.rows.map(({ reason, ms }) => [
        reason,
        number(ms.median),
        `${number(ms.low)}–${number(ms.high)}`,
      ]),
    ),

  price: ({ cost }) =>
    cost &&
    table(
      [
        "a million of",
        "Cloudflare, requests",
        "Cloudflare, CPU",
        "Neon, compute",
        "Neon, transfer",
        "together",
      ],
      atBudget(cost.rows).map((row) => {
        const dollars = pricesOf(row);
        return [
          row.kind,
          ...[...dollars, dollars.reduce((sum, part) => sum + part)].map((d) => `$${number(d, 3)}`),
        ];
      }),
    ),
};

const atBudget = (rows: Cost[]): Cost[] =>
  rows.filter(({ connections }) => connections === BUDGET_CONNECTIONS);
const kindsOf = (rows: { kind: string }[]): string[] => [...new Set(rows.map(({ kind }) => kind))];

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

/** US dollars: https://developers.cloudflare.com/workers/platform/pricing/ and https://neon.com/pricing, November 2026. */
const MILLION_REQUESTS = 0.3;
const MILLION_CPU_MS = 0.02;
/** Of the plan Launch; it is 0.222 on Scale. */
const CU_HOUR = 0.106;
const GIGABYTE = 0.1;

/** Which part of the CPU that Neon is paid for is at work: a compute that is always busy answers late. */
const UTILISATION = 0.3;

/** What a million requests cost: Cloudflare's requests, its CPU, Neon's compute, its transfer. */
export function pricesOf({ product, asks }: Cost): number[] {
  const cpu = product.worker.median * MILLION_CPU_MS;
  if (asks === 0) return [MILLION_REQUESTS, cpu, 0, 0];
  const cuHours = (product.postgres.median * 1e6) / 3_600_000 / UTILISATION;
  const gigabytes = (product.databaseBytes.median * 1e6) / 1e9;
  return [MILLION_REQUESTS, cpu, cuHours * CU_HOUR, gigabytes * GIGABYTE];
}
