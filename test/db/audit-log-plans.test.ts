import { beforeAll, describe, expect, test } from "vitest";
import type { Config } from "../../src/config.ts";
import { statementFunctions } from "../../src/db/sql/functions.ts";
import { encryptCursor } from "../../src/http/pagination.ts";
import { newAccount } from "../support/accounts.ts";
import { JWT_SECRET } from "../support/api.ts";
import {
  explainInFreshDatabase,
  insertAccountSteps,
  nodesOf,
  type PlanNode,
  sortsWholeTable,
  statement,
} from "../support/explain.ts";
import { postPatient } from "../support/resources.ts";
import { recordStatements } from "../support/statements.ts";

/** So many events that every wrong plan reads many blocks; they span two months. */
const EVENTS = 100_000;
const SECONDS_BETWEEN = 50;
const [admin, nurse] = [await newAccount(undefined, "admin"), await newAccount()];
const { id: patient } = await postPatient(nurse);

/**
 * Events of a hundred accounts and a thousand patients. Few have another outcome than "done", and few name the
 * patient of the tests.
 */
const fillSteps = [
  statement(
    `INSERT INTO patients (id, firstname, lastname, email, age, gender, created_by, owner_id) OVERRIDING SYSTEM VALUE
     VALUES ($1, 'A', 'B', 'record@fill.example.org', 1, 'F', $2, $2)`,
    patient,
    nurse.id,
  ),
  statement(
    `INSERT INTO audit_events (at, account_id, username, role, action, outcome, patients, address, request_id)
     SELECT now() - n * interval '${SECONDS_BETWEEN} seconds', n % 100, 'user', 'clinician',
       CASE n % 500 WHEN 0 THEN 'transfer' WHEN 1 THEN 'update' ELSE 'read' END,
       CASE WHEN n % 200 = 7 THEN 'not_found' ELSE 'done' END,
       CASE WHEN n % 1000 = 1 THEN ARRAY[$1::int] ELSE ARRAY[1000000 + n % 1000, 2000000 + n % 1000] END, '203.0.113.7', gen_random_uuid()
     FROM generate_series(0, $2::int) n`,
    patient,
    EVENTS,
  ),
].map((run) => ({ run }));
const takeStatistics = { run: statement("ANALYZE audit_events") };

const from = new Date(Date.now() - 20 * 86_400_000).toISOString();
const to = new Date(Date.now() - 19 * 86_400_000).toISOString();
const filters: Record<string, string | number>[] = [
  {},
  ...[
    { account: 7 },
    { action: "read" },
    { action: "transfer" },
    { outcome: "done" },
    { outcome: "not_found" },
  ],
  ...[{ from }, { to }, { from, to }, { account: 7, from, to }, { action: "transfer", from, to }],
];
/** Pages of one patient. All its events here are of several patients: no index has these in order. */
const patientPages = [`/api/patients/${patient}/history`, `/api/patients/${patient}/accesses`];
const queryOf = (filter: object) => new URLSearchParams(filter as Record<string, string>).toString();

/** The path of a page in the middle of the audit log. */
async function pathOfMiddlePage(filter: Record<string, string | number>): Promise<string> {
  const config = { JWT_SECRET } as Config;
  const key = new Date(Date.now() - (EVENTS / 2) * SECONDS_BETWEEN * 1000).toISOString();
  const after = { key: "to" in filter ? to : key, id: 1 };
  const cursor = await encryptCursor({ list: "/api/audit", query: { ...filter, sort: "id" }, after }, config);
  return `/api/audit/?limit=50&cursor=${cursor}`;
}

/** Pages whose rows come from an index in their order. */
const orderedPages = [
  ...filters.map((filter) => `/api/audit/?limit=50&${queryOf(filter)}`),
  ...(await Promise.all(filters.map(pathOfMiddlePage))),
];
/** Pages by patient: their rows are found by an index and sorted. */
const sortedPages = [
  `/api/audit/?limit=50&patient=${patient}`,
  `/api/audit/?patient=${patient}&outcome=done&${queryOf({ from })}`,
];

/** The statements that close a day, for the second half of a day in the middle of the log. */
const dayStatements = [
  statement(
    `select * from statements."${statementFunctions["audit/hash-events"]?.function}"($1, $2, $3, $4)`,
    `${from.slice(0, 10)}T12:00:00Z`,
    from.slice(0, 10),
    1,
    "",
  ),
  statement(`select * from statements."${statementFunctions["audit/find-open-day"]?.function}"()`),
];

let plans: Record<"stale" | "fresh", PlanNode[][]>;
beforeAll(async () => {
  const statements = await recordStatements(async () => {
    for (const path of [...orderedPages, ...sortedPages]) await admin.get(path);
    for (const path of patientPages) await nurse.get(`${path}?limit=50`);
  });
  statements.push(...dayStatements);
  const explainPages = statements.map((explain) => ({ explain, analyze: true }));
  const steps = [
    takeStatistics,
    ...insertAccountSteps(admin, "admin"),
    ...insertAccountSteps(nurse),
    ...fillSteps,
    ...explainPages,
    takeStatistics,
    ...explainPages,
  ];
  const all = await explainInFreshDatabase(steps);
  plans = { stale: all.slice(0, statements.length), fresh: all.slice(statements.length) };
}, 600_000); // only against hanging

/** The nodes that find the rows of a page, without those of empty partitions, which may be read in any way. */
const rowNodes = (nodes: PlanNode[] = []) =>
  nodes
    .filter((node) => node["Subplan Name"] === "CTE page_and_next")
    .flatMap(nodesOf)
    .filter((node) => (node["Actual Rows"] ?? 0) + (node["Rows Removed by Filter"] ?? 0) > 0);
const countBlocks = ([top]: PlanNode[] = []) =>
  (top?.["Shared Hit Blocks"] ?? 0) + (top?.["Shared Read Blocks"] ?? 0);

describe.each(["stale", "fresh"] as const)("with %s statistics, of a hundred thousand events,", (which) => {
  test("a page by any filter and between any times comes from an index in its order and reads fewer than 400 blocks", () => {
    for (const [index, path] of orderedPages.entries()) {
      const nodes = rowNodes(plans[which][index]);
      expect([path, nodes.length > 0]).toEqual([path, true]);
      const wrong = nodes.filter(
        (node) => /Seq Scan|Bitmap/.test(node["Node Type"]) || sortsWholeTable(node),
      );
      expect([path, wrong.map((node) => node["Node Type"])]).toEqual([path, []]);
      expect([path, countBlocks(plans[which][index]) < 400]).toEqual([path, true]);
    }
  });

  test("half a day is hashed in the order of an index, and the first day is found, in fewer than 400 blocks", () => {
    for (const nodes of plans[which].slice(-dayStatements.length)) {
      const reads = nodes.filter((node) => (node["Actual Rows"] ?? 0) > 0).map((node) => node["Node Type"]);
      expect(reads.filter((kind) => /Index/.test(kind))).not.toEqual([]);
      expect(reads.filter((kind) => /Seq Scan|Bitmap|Sort/.test(kind))).toEqual([]);
      expect(countBlocks(nodes)).toBeLessThan(400);
    }
  });

  test("events that name a patient are found by the index of patients, and fewer than 700 blocks are read", () => {
    const rest = [...sortedPages, ...patientPages];
    for (const [index, path] of rest.entries()) {
      const nodes = plans[which][orderedPages.length + index] ?? [];
      const kinds = rowNodes(nodes).map((node) => node["Node Type"]);
      expect([path, kinds]).toEqual([path, expect.arrayContaining(["Bitmap Index Scan"])]);
      expect([path, kinds.filter((kind) => kind === "Seq Scan")]).toEqual([path, []]);
      // A hundred events, each in another block.
      expect([path, countBlocks(nodes) < 700]).toEqual([path, true]);
    }
  });
});
