import { PLACES, REQUESTS } from "./booking-races.ts";
import { fitDelays, listBudgets } from "./budgets.ts";
import { costTables } from "./cost-tables.ts";
import type { BenchResults, PartResult, VersionsRow } from "./results.ts";
import {
  type Column,
  formatInteger,
  formatNumber,
  formatQuartiles,
  formatRange,
  joinTable,
  listKinds,
  renderTable,
} from "./table-format.ts";

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

  ...costTables,

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

  booking({ booking }) {
    if (!booking) return undefined;
    const costs = renderTable(booking.rows, [
      [`${formatInteger(booking.appointments)} appointments`, ({ kind }) => kind],
      ["PostgreSQL, ms of CPU", ({ api }) => formatQuartiles(api.postgresCpu)],
      ["Worker, ms of CPU", ({ api }) => formatQuartiles(api.workerCpu)],
    ]);
    const races = renderTable(booking.races, [
      [`${REQUESTS} at once for ${PLACES} places`, ({ way }) => way],
      ["booked in each round", ({ booked }) => booked.join(", ")],
    ]);
    return `${costs}\n\n${races}`;
  },

  search({ search }) {
    if (!search) return undefined;
    const pages = [...new Set(search.rows.map(({ page }) => page))];
    const names = [...new Set(search.rows.map(({ search }) => search))];
    const find = (name: string, page: string) =>
      search.rows.find((row) => row.search === name && row.page === page);
    return renderTable(names, [
      ["PostgreSQL's CPU, ms", (name) => name],
      ...pages.map(
        (page): Column<string> => [page, (name) => formatNumber(find(name, page)?.postgresCpu.median, 1)],
      ),
      ["limit", (name) => String(search.rows.find((row) => row.search === name)?.limit)],
    ]);
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
      ["Worker, CPU ms", ({ api }) => formatNumber(api.workerCpu.median)],
      ["PostgreSQL, CPU ms", ({ api }) => formatNumber(api.postgresCpu.median)],
      ["p50, ms", ({ api }) => formatNumber(api.p50.median)],
      ["bare", ({ bare }) => formatNumber(bare.p50.median)],
      ["p99, ms", ({ api }) => formatNumber(api.p99.median)],
      ["bare", ({ bare }) => formatNumber(bare.p99.median)],
    ]),

  "patient-events": ({ audit }) =>
    audit &&
    renderTable(audit.patientRows, [
      ["kind", ({ kind }) => kind],
      ["events of the patient", ({ events }) => formatInteger(events)],
      ["p50, ms (quartiles)", ({ p50 }) => formatQuartiles(p50)],
      ["ratio (quartiles)", ({ ratio }) => formatQuartiles(ratio)],
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

  versions({ versions }) {
    if (!versions) return undefined;
    const compare = (
      heading: string,
      metric: keyof VersionsRow["ratios"],
      format: (value: number) => string,
    ): Column<VersionsRow>[] => [
      [heading, ({ current }) => format(current[metric].median)],
      [versions.base, ({ earlier }) => format(earlier[metric].median)],
      ["ratio (quartiles)", ({ ratios }) => formatQuartiles(ratios[metric])],
    ];
    return renderTable(versions.rows, [
      ["kind", ({ kind }) => kind],
      ...compare("requests/s", "requestsPerSecond", formatInteger),
      ...compare("PostgreSQL, CPU ms", "postgresCpu", formatNumber),
      ...compare("Worker, CPU ms", "workerCpu", formatNumber),
    ]);
  },
};
