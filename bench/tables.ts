import { fitDelays, listBudgets, pricesOf } from "./budgets.ts";
import type { Quartiles } from "./measure.ts";
import { type BenchResults, BUDGET_CONNECTIONS, type CostRow, type PartResult } from "./results.ts";

/** The heading of a column, and the text of its cell in a row. */
type Column<Row> = [heading: string, cell: (row: Row) => string];

/** The tables of bench/README.md, by the name of their marker there. Undefined when there are no results for it. */
export const tableSections: Record<string, (results: BenchResults) => string | undefined> = {
  environment(results) {
    const parts: [string, PartResult][] = Object.entries(results);
    const rows = parts.map(([part, { environment = {} }]) => [part, ...Object.values(environment)]);
    return joinTable(["part", "date", "commit", "machine", "software"], rows).replaceAll("--:", "---");
  },

  budgets: (results) =>
    renderTable(listBudgets(results), [
      ["budget", ({ name }) => name],
      ["measured", ({ value }) => formatNumber(value)],
      ["limit", ({ limit }) => String(limit)],
      ["", ({ isMet }) => (isMet ? "✓" : "**over budget**")],
    ]),

  cost: ({ cost }) =>
    cost &&
    renderTable(rowsWithBudget(cost.rows), [
      ["kind", ({ kind }) => kind],
      ["Worker CPU", ({ api }) => formatNumber(api.workerCpu.median)],
      ["baseline", ({ baseline }) => formatNumber(baseline.workerCpu.median)],
      ["ratio", ({ ratio }) => formatNumber(ratio.median)],
      ["quartiles of the ratio", ({ ratio }) => formatRange(ratio)],
      ["budget", ({ cpuLimit }) => (cpuLimit === undefined ? "" : String(cpuLimit))],
      ["endpoint CPU", ({ api }) => formatNumber(api.endpointCpu.median)],
      ["baseline", ({ baseline }) => formatNumber(baseline.endpointCpu.median)],
      ["PostgreSQL CPU", ({ api }) => formatNumber(api.postgresCpu.median)],
      ["baseline", ({ baseline }) => formatNumber(baseline.postgresCpu.median)],
      ["database requests", ({ api }) => String(api.databaseRequests.median)],
      ["bytes from the database", ({ api }) => formatInteger(api.databaseBytes.median)],
      ["baseline", ({ baseline }) => formatInteger(baseline.databaseBytes.median)],
      ["bytes of the response", ({ api }) => formatInteger(api.responseBytes.median)],
    ]),

  load({ cost }) {
    if (!cost) return undefined;
    const kinds = listKinds(cost.rows);
    const rows = cost.rows.toSorted(
      (a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || a.connections - b.connections,
    );
    return renderTable(rows, [
      ["kind", ({ kind }) => kind],
      ["connections", ({ connections }) => String(connections)],
      ["requests/s (quartiles)", ({ api }) => formatQuartiles(api.requestsPerSecond, 0)],
      ["baseline", ({ baseline }) => formatInteger(baseline.requestsPerSecond.median)],
      ["p50, ms", ({ api }) => formatNumber(api.p50.median)],
      ["baseline", ({ baseline }) => formatNumber(baseline.p50.median)],
      ["p99, ms", ({ api }) => formatNumber(api.p99.median)],
      ["baseline", ({ baseline }) => formatNumber(baseline.p99.median)],
    ]);
  },

  memory({ cost }) {
    if (!cost) return undefined;
    const { api, baseline, endpoint, postgres } = cost.memory;
    const mebibytes = [api, baseline, endpoint].map(formatInteger);
    const row = [...mebibytes, postgres ? formatInteger(postgres) : "on another machine"];
    return joinTable(["", "API", "baseline", "endpoint", "PostgreSQL"], [["MiB in RAM at the end", ...row]]);
  },

  growth({ growth }) {
    if (!growth) return undefined;
    const sizes = growth.databases.map(({ patients }) => patients);
    const findRow = (kind: string, patients: number | undefined) =>
      growth.rows.find((row) => row.kind === kind && row.patients === patients);
    const table = renderTable(listKinds(growth.rows), [
      ["p50, ms", (kind) => kind],
      ...sizes.map((patients): Column<string> => {
        const p50 = (kind: string) => findRow(kind, patients)?.p50.median;
        return [formatInteger(patients), (kind) => formatNumber(p50(kind))];
      }),
      ["ratio (quartiles)", (kind) => formatQuartiles(findRow(kind, sizes.at(-1))?.ratio)],
    ]);
    const databases = renderTable(growth.databases, [
      ["demo data, patients", ({ patients }) => formatInteger(patients)],
      ["s to insert", ({ seconds }) => formatNumber(seconds, 1)],
      ["MiB of the database", ({ mebibytes }) => formatInteger(mebibytes)],
    ]);
    return `${table}\n\n${databases}`;
  },

  distance({ distance }) {
    if (!distance) return undefined;
    const delays = [...new Set(distance.rows.map(({ delay }) => delay))];
    const findMs = (kind: string, delay: number) =>
      distance.rows.find((row) => row.kind === kind && row.delay === delay)?.ms;
    return renderTable(fitDelays(distance.rows), [
      ["ms", ({ kind }) => kind],
      ...delays.map(
        (delay): Column<{ kind: string }> => [
          `+ ${delay} ms`,
          ({ kind }) => formatNumber(findMs(kind, delay), 1),
        ],
      ),
      ["delays per request", (row) => formatNumber(row.delays)],
      ["database requests", ({ databaseRequests }) => String(databaseRequests)],
      ["without delay", ({ constant }) => formatNumber(constant, 1)],
    ]);
  },

  start({ start }) {
    if (!start) return undefined;
    const { bytes, gzip, packages, startup, firstResponse } = start;
    const sizes = renderTable(packages, [
      ["package", ({ name }) => name],
      ["KiB, minified", (part) => formatNumber(part.bytes / 1024, 1)],
      ["part of the bundle", (part) => `${formatNumber((100 * part.bytes) / bytes, 1)} %`],
    ]);
    const startupRow = startup
      ? [formatNumber(startup.fastest), formatQuartiles(startup.all)]
      : ["did not run", ""];
    const cpu = joinTable(
      ["CPU, ms", "fastest", "median (quartiles)"],
      [
        ["start-up, by `wrangler check startup`", ...startupRow],
        [
          "workerd until its first response, minus that of an empty Worker",
          "",
          formatQuartiles(firstResponse),
        ],
      ],
    );
    const size = `${formatNumber(gzip / 1024, 1)} KiB gzip, ${formatNumber(bytes / 1024, 1)} KiB minified.`;
    return `${size}\n\n${sizes}\n\n${cpu}`;
  },

  audit: ({ audit }) =>
    audit &&
    renderTable(audit.rows, [
      ["kind", ({ kind }) => kind],
      ["audit events", ({ events }) => formatInteger(events)],
      ["Worker, CPU ms", ({ withAudit }) => formatNumber(withAudit.workerCpu.median)],
      ["without audit", ({ withoutAudit }) => formatNumber(withoutAudit.workerCpu.median)],
      ["PostgreSQL, CPU ms", ({ withAudit }) => formatNumber(withAudit.postgresCpu.median)],
      ["without audit", ({ withoutAudit }) => formatNumber(withoutAudit.postgresCpu.median)],
      ["p50, ms", ({ withAudit }) => formatNumber(withAudit.p50.median)],
      ["without audit", ({ withoutAudit }) => formatNumber(withoutAudit.p50.median)],
      ["p99, ms", ({ withAudit }) => formatNumber(withAudit.p99.median)],
      ["without audit", ({ withoutAudit }) => formatNumber(withoutAudit.p99.median)],
    ]),

  soak({ soak }) {
    if (!soak) return undefined;
    const { connections, seconds, requests, failures, p50, p99 } = soak;
    const { non2xx, connectionErrors, timeouts } = failures;
    const counts = [connections, requests, requests / seconds, non2xx, connectionErrors, timeouts];
    const load = joinTable(
      [
        "connections",
        "requests",
        "requests/s",
        "not 2xx",
        "connection errors",
        "timeouts",
        "p50, ms",
        "p99, ms",
      ],
      [[...counts.map(formatInteger), formatNumber(p50), formatNumber(p99)]],
    );
    const memory = renderTable(Object.entries(soak.memory), [
      ["MiB in RAM", ([process]) => process],
      ["after warm-up", ([, { warm }]) => formatInteger(warm)],
      [`after ${seconds} s`, ([, { end }]) => formatInteger(end)],
      ["ratio", ([, { warm, end }]) => formatNumber(end / warm)],
    ]);
    return `${load}\n\n${memory}`;
  },

  logins: ({ logins }) =>
    logins &&
    renderTable(logins.rows, [
      ["reason", ({ reason }) => reason],
      ["median, ms", ({ ms }) => formatNumber(ms.median)],
      ["quartiles", ({ ms }) => formatRange(ms)],
    ]),

  price: ({ cost }) =>
    cost &&
    renderTable(rowsWithBudget(cost.rows), [
      ["a million requests", ({ kind }) => kind],
      ["Cloudflare, requests", (row) => formatDollars(pricesOf(row).requests)],
      ["Cloudflare, CPU", (row) => formatDollars(pricesOf(row).workerCpu)],
      ["Neon, compute", (row) => formatDollars(pricesOf(row).compute)],
      ["Neon, transfer", (row) => formatDollars(pricesOf(row).transfer)],
      ["sum", (row) => formatDollars(Object.values(pricesOf(row)).reduce((sum, price) => sum + price))],
    ]),
};

const rowsWithBudget = (rows: CostRow[]): CostRow[] =>
  rows.filter(({ connections }) => connections === BUDGET_CONNECTIONS);
const listKinds = (rows: { kind: string }[]): string[] => [...new Set(rows.map(({ kind }) => kind))];

/** Formats a number with `digits` decimals; "—" when there is none. */
const formatNumber = (value: number | undefined, digits = 2): string =>
  value?.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    signDisplay: "negative",
  }) ?? "—";
const formatInteger = (value: number): string => formatNumber(value, 0);
const formatDollars = (value: number): string => `$${formatNumber(value, 3)}`;
const formatRange = ({ low, high }: Quartiles, digits = 2): string =>
  `${formatNumber(low, digits)}–${formatNumber(high, digits)}`;
const formatQuartiles = (quartiles: Quartiles | undefined, digits = 2): string =>
  quartiles ? `${formatNumber(quartiles.median, digits)} (${formatRange(quartiles, digits)})` : "";

const renderTable = <Row>(rows: Row[], columns: Column<Row>[]): string =>
  joinTable(
    columns.map(([heading]) => heading),
    rows.map((row) => columns.map(([, cell]) => cell(row))),
  );

/** A Markdown table. The first column is aligned left, the others right. */
function joinTable(head: string[], rows: string[][]): string {
  const rule = head.map((_, i) => (i === 0 ? "---" : "--:"));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
