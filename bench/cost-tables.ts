import { pricesOf } from "./budgets.ts";
import { type BenchResults, BUDGET_CONNECTIONS, type CostRow } from "./results.ts";
import {
  formatDollars,
  formatInteger,
  formatNumber,
  formatQuartiles,
  formatRange,
  joinTable,
  listKinds,
  renderTable,
} from "./table-format.ts";

const rowsWithBudget = (rows: CostRow[]): CostRow[] =>
  rows.filter(({ connections }) => connections === BUDGET_CONNECTIONS);
const formatLimit = (limit: number | undefined): string => (limit === undefined ? "" : String(limit));

/** The tables of the part `cost`. */
export const costTables: Record<string, (results: BenchResults) => string | undefined> = {
  cost: ({ cost }) =>
    cost &&
    renderTable(rowsWithBudget(cost.rows), [
      ["kind", ({ kind }) => kind],
      ["Worker CPU", ({ api }) => formatNumber(api.workerCpu.median)],
      ["bare", ({ bare }) => formatNumber(bare.workerCpu.median)],
      ["API / bare", ({ workerRatio }) => formatNumber(workerRatio.median)],
      ["quartiles", ({ workerRatio }) => formatRange(workerRatio)],
      ["budget", ({ workerCpuLimit }) => formatLimit(workerCpuLimit)],
      ["shortest measurement, s", ({ shortestSeconds }) => formatNumber(shortestSeconds, 1)],
      ["endpoint CPU", ({ api }) => formatNumber(api.endpointCpu.median)],
      ["bare", ({ bare }) => formatNumber(bare.endpointCpu.median)],
      ["database requests", ({ api }) => String(api.databaseRequests.median)],
      ["bytes from the database", ({ api }) => formatInteger(api.databaseBytes.median)],
      ["bare", ({ bare }) => formatInteger(bare.databaseBytes.median)],
      ["bytes of the response", ({ api }) => formatInteger(api.responseBytes.median)],
    ]),

  postgres: ({ cost }) =>
    cost &&
    renderTable(
      rowsWithBudget(cost.rows).filter(({ databaseRequests }) => databaseRequests > 0),
      [
        ["kind", ({ kind }) => kind],
        ["PostgreSQL CPU", ({ api }) => formatNumber(api.postgresCpu.median, 3)],
        ["floor", ({ floor }) => (floor ? formatNumber(floor.postgresCpu.median, 3) : "")],
        // The baseline of a login sends no statement.
        [
          "bare",
          (row) => (row.bare.databaseRequests.median > 0 ? formatNumber(row.bare.postgresCpu.median, 3) : ""),
        ],
        ["API / floor", ({ postgresRatio }) => (postgresRatio ? formatNumber(postgresRatio.median) : "")],
        ["quartiles", ({ postgresRatio }) => (postgresRatio ? formatRange(postgresRatio) : "")],
        ["budget", ({ postgresCpuLimit }) => formatLimit(postgresCpuLimit)],
      ],
    ),

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
      ["bare", ({ bare }) => formatInteger(bare.requestsPerSecond.median)],
      ["p50, ms", ({ api }) => formatNumber(api.p50.median)],
      ["bare", ({ bare }) => formatNumber(bare.p50.median)],
      ["p99, ms", ({ api }) => formatNumber(api.p99.median)],
      ["bare", ({ bare }) => formatNumber(bare.p99.median)],
    ]);
  },

  memory({ cost }) {
    if (!cost) return undefined;
    const { api, baseline, endpoint, postgres } = cost.memory;
    const mebibytes = [api, baseline, endpoint].map(formatInteger);
    const row = [...mebibytes, postgres ? formatInteger(postgres) : "on another machine"];
    return joinTable(["", "API", "baseline", "endpoint", "PostgreSQL"], [["MiB in RAM at the end", ...row]]);
  },

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
