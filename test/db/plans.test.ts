import { beforeAll, describe, expect, test } from "vitest";
import { statementFunctions } from "../../src/db/sql/functions.ts";
import { newAccount } from "../support/accounts.ts";
import {
  explainInFreshDatabase,
  insertAccountSteps,
  nodesOf,
  type PlanNode,
  readsTable,
  sortsCollectedRows,
  sortsWholeTable,
  statement,
} from "../support/explain.ts";
import {
  ASSIGNED,
  allTables,
  analyzeStep,
  DOCTOR,
  fillForDoctor,
  fillTablesSteps,
  OWN,
} from "../support/large-tables.ts";
import { filterCombinations, type ListPage, listFilters, listPages } from "../support/list-pages.ts";
import { lists } from "../support/pages.ts";
import { recordStatements } from "../support/statements.ts";
import { feedStatements, testFeedPlans } from "./change-feed-plans.ts";

/** The statements that PostgreSQL itself sends for foreign keys when a record is deleted. */
const ofForeignKeys = [
  statement("SELECT 1 FROM mappings WHERE current_doctor_id = $1 FOR KEY SHARE", 1),
  statement("UPDATE mappings SET owner_id = $1 WHERE owner_id = $2 AND patient_id = $3", 1, 1, 1),
  statement("UPDATE ended_assignments SET owner_id = $1 WHERE owner_id = $2 AND patient_id = $3", 1, 1, 1),
  statement("UPDATE appointments SET owner_id = $1 WHERE owner_id = $2 AND patient_id = $3", 1, 1, 1),
  statement("SELECT 1 FROM appointments WHERE doctor_id = $1 FOR KEY SHARE", 1),
  statement("DELETE FROM appointments WHERE patient_id = $1", 1),
  statement("DELETE FROM mappings WHERE patient_id = $1", 1),
  statement("DELETE FROM ended_assignments WHERE patient_id = $1", 1),
  statement("DELETE FROM emergency_accesses WHERE patient_id = $1", 1),
  statement("DELETE FROM refresh_tokens WHERE session_id = $1", crypto.randomUUID()),
];

/** The statements inside the functions that the API's statements call (drizzle/). */
const ofFunctions = [
  statement("SELECT * FROM idempotency_keys WHERE account_id = $1 AND key = $2::text", 1, "key"),
  statement(`SELECT FROM users WHERE lower(username COLLATE "C") = lower($1 COLLATE "C")`, "ada"),
  statement(`SELECT FROM doctors WHERE email_key(email) COLLATE "C" = email_key($1)`, "ada"),
  statement(
    `SELECT FROM patients WHERE email_key(email) COLLATE "C" = ANY ($1::text[]) AND owner_id = $2`,
    "{ada}",
    1,
  ),
  statement("SELECT FROM mappings WHERE patient_id = $1 AND doctor_id = $2", 1, 1),
  statement("UPDATE mappings SET is_primary = false WHERE patient_id = $1 AND is_primary", 1),
  statement(
    `SELECT a.* FROM unnest($1::int[]) patient, LATERAL (
       SELECT * FROM appointments a
       WHERE a.patient_id = patient AND a.status IN ('booked', 'arrived') AND ($2::int IS NULL OR a.doctor_id = $2) OFFSET 0
     ) a`,
    "{1}",
    1,
  ),
  statement("UPDATE appointments SET status = 'cancelled' WHERE id = ANY ($1::int[])", "{1}"),
  ...[
    "appointments WHERE status = 'booked' AND",
    "appointments WHERE status <> 'cancelled' AND",
    "absences WHERE",
  ].map((rows) =>
    statement(
      `SELECT FROM ${rows} doctor_id = $1 AND tstzrange(starts_at, ends_at) && tstzrange($2, $3)`,
      ...[1, "2090-06-05", "2090-06-06"],
    ),
  ),
  statement(
    "SELECT day FROM appointments WHERE doctor_id = $1 AND day BETWEEN $2 AND $3 AND status <> 'cancelled' GROUP BY day",
    ...[1, "2090-06-05", "2090-06-06"],
  ),
  statement("SELECT FROM change_feed WHERE id = 1"),
  statement("UPDATE probes SET not_found = not_found + 1 WHERE account_id = $1 AND hour = $2", 1, 1),
];

/** A call of the function of every statement. The plan is generic: it does not depend on the values. */
const ofTheWorker = Object.entries(statementFunctions).map(([name, own]) => ({
  name,
  ...statement(
    `select * from statements."${own.function}"(…)`,
    ...Array<null>(Object.keys(own.params).length).fill(null),
  ),
}));

/** Pages of each list in all its orders: the first page, and one in the middle. */
const accountPages = await Promise.all([
  ...lists.flatMap((list) => listPages(list, filterCombinations(list))),
  ...listPages("patients", [{ deleted: "true" }, { ...listFilters.patients, deleted: "true" }]),
  ...listPages(
    "mappings",
    filterCombinations("mappings").map((filters) => ({ ...filters, ended: "true" })),
  ),
]);
/** Pages that have other statements for an admin. */
const adminPages = await Promise.all(
  listPages("mappings", [
    { doctor: 7 },
    listFilters.mappings,
    { doctor: 7, ended: "true" },
    { ...listFilters.mappings, ended: "true" },
  ]),
);
const pages = [...accountPages, ...adminPages];

const ofDoctor = { doctor: DOCTOR };
/** Pages of an account that belongs to a doctor: it also sees the patients who are assigned to the doctor. */
const doctorPages = await Promise.all([
  ...listPages("patients", [{}, ofDoctor, { gender: "F" }, { ...listFilters.patients, ...ofDoctor }]),
  ...listPages("mappings", [{}, { patient: 7 }, ofDoctor, { patient: 7, ...ofDoctor }]),
  ...listPages("appointments", [{}, { patient: 7 }, ofDoctor, { patient: 7, ...ofDoctor }]),
]);

const statements = [
  ...ofTheWorker,
  ...[...ofForeignKeys, ...ofFunctions].map((inner) => ({ name: inner.query, ...inner })),
];
let feedPlans: PlanNode[][];
interface Plans {
  pages: PlanNode[][];
  doctorPages: PlanNode[][];
  statements: PlanNode[][];
}
/** The plans with the statistics of empty tables, and with current statistics. */
const stale: Plans = { pages: [], doctorPages: [], statements: [] };
const fresh: Plans = { pages: [], doctorPages: [], statements: [] };
beforeAll(async () => {
  const [big, doctor, admin] = [await newAccount(), await newAccount(), await newAccount(undefined, "admin")];
  const pageStatements = await recordStatements(async () => {
    for (const { path } of accountPages) await big.get(path);
    for (const { path } of adminPages) await admin.get(path);
    for (const { path } of doctorPages) await doctor.get(path);
  });
  const explainPages = pageStatements.map((explain, index) => {
    const page = pages[index];
    return { explain, analyze: page === undefined || isNarrow(page) };
  });
  const ofFeed = await feedStatements(big, doctor);
  // Filling the tables takes longer than everything else here, so the plans of the change feed are explained in the
  // same database.
  const all = await explainInFreshDatabase([
    analyzeStep,
    ...[...insertAccountSteps(big), ...insertAccountSteps(doctor), ...insertAccountSteps(admin, "admin")],
    ...[...fillTablesSteps(big.id), ...fillForDoctor(doctor.id)],
    ...explainPages,
    ...statements.map((explain) => ({ explain })),
    analyzeStep,
    ...explainPages,
    ...statements.map((explain) => ({ explain })),
    ...ofFeed.map((explain) => ({ explain, analyze: true })),
  ]);
  for (const statistics of [stale, fresh]) {
    statistics.pages = all.splice(0, pages.length);
    statistics.doctorPages = all.splice(0, doctorPages.length);
    statistics.statements = all.splice(0, statements.length);
  }
  feedPlans = all;
}, 600_000); // only against hanging

/** The statements with such nodes in their plans, and the nodes. */
const withNodes = (plans: Plans, isOffending: (node: PlanNode) => boolean) =>
  plans.statements
    .map((nodes, index) => ({ name: statements[index]?.name, nodes: nodes.filter(isOffending) }))
    .filter(({ nodes }) => nodes.length > 0);

/** Expects that the statements with such nodes are those of a list, which says why. */
function expectNodesOnlyIn(
  exceptions: Record<string, string>,
  plans: Plans,
  isOffending: (node: PlanNode) => boolean,
): void {
  const expected = Object.keys(exceptions).map((name) => expect.objectContaining({ name }));
  expect(withNodes(plans, isOffending)).toEqual(expected);
}

/** Whether an index leads to just the rows of the page: it has no filter, or one with an index of its own. */
function isNarrow({ list, asked }: ListPage): boolean {
  // Deleted patients and ended assignments have indexes of their own.
  const [filter, ...more] = Object.keys(asked).filter((name) => !["sort", "deleted", "ended"].includes(name));
  const isById = String(asked["sort"]).endsWith("id");
  const own = {
    ...{ patients: ["doctor", "identifier"], doctors: ["patient"] },
    ...{ mappings: ["patient", "doctor"], appointments: ["patient", "doctor"] },
  }[list];
  return filter === undefined || (more.length === 0 && isById && own.includes(filter));
}

/** The table with the rows of a page. */
const tableOf = ({ list, asked }: ListPage): string => (asked["ended"] ? "ended_assignments" : list);

/** The nodes that find the rows of a page. */
const rowNodes = (nodes: PlanNode[]) =>
  nodes
    .filter((node) => /^CTE (page_and_next|next_matches)$/.test(node["Subplan Name"] ?? ""))
    .flatMap(nodesOf);

/** Whether the names of a page's records are found in the index of names. Those of one doctor's patients are read. */
const isSearch = ({ asked }: ListPage): boolean =>
  asked["search"] !== undefined &&
  asked["doctor"] === undefined &&
  asked["identifier"] === undefined &&
  asked["patient"] === undefined;
const countBlocks = ([top]: PlanNode[]) =>
  (top?.["Shared Hit Blocks"] ?? 0) + (top?.["Shared Read Blocks"] ?? 0);

/** Whether no index has the rows of a doctor's page in its order. */
const isSortedSubquery = ({ list, asked }: ListPage): boolean =>
  list === "patients" && (asked["email"] !== undefined || !String(asked["sort"]).endsWith("id"));
/**
 * The most blocks that a doctor's page may touch: for each row its own, its patient's and its doctor's, with their
 * indexes.
 */
const maxDoctorBlocks = (page: ListPage): number =>
  70 + (isSortedSubquery(page) ? OWN + ASSIGNED : 2 * 51) * 8;

describe.each([
  ["current", fresh],
  ["the empty tables'", stale],
])("with 50,000 records of each kind and %s statistics,", (_, statistics) => {
  test("no statement reads a whole table", () => {
    expect(statistics.statements).toHaveLength(statements.length);
    expectNodesOnlyIn(
      {
        "cleanup/invitations": "Once an hour; there are few invitations",
        "cleanup/sessions":
          "Once an hour; an index on the time of the last use would slow every request down",
        "SELECT FROM change_feed WHERE id = 1": "A table of one row",
      },
      statistics,
      (node) => node["Node Type"] === "Seq Scan",
    );
  });

  test("no statement reads a whole index", () => {
    expectNodesOnlyIn(
      { "audit/find-open-day": "Reads the first row of each index: audit-log-plans.test.ts" },
      statistics,
      (node) => readsTable(node) && /^Index/.test(node["Node Type"]) && !node["Index Cond"],
    );
  });

  test("the statements read every table", () => {
    // The audit log has tests of its own: audit-log-plans.test.ts.
    const read = withNodes(statistics, readsTable).flatMap(({ nodes }) =>
      nodes.map((node) => node["Relation Name"]),
    );
    const others = [...new Set(read)].filter((name) => !name?.startsWith("audit_events"));
    expect(others.sort()).toEqual(allTables);
  });

  test("every page, in every order and by every filter, comes from an index in its order; only the first rows of several indexes are sorted", () => {
    const looks = pages.map(({ path, asked }, index) => ({
      ...{ path, asked },
      nodes: statistics.pages[index] ?? [],
    }));
    expect(looks.filter(({ nodes }) => nodes.length === 0)).toEqual([]);
    const offending = looks.filter(({ nodes }) => {
      const found = rowNodes(nodes);
      return (
        found.length === 0 || found.some((node) => node["Node Type"] === "Seq Scan" || sortsWholeTable(node))
      );
    });
    expect(offending.map(({ asked, path }) => [path, asked])).toEqual([]);
  });

  test("a search reads the next 3000 records in the order of their index, and then those that the index of names finds", () => {
    const searches = pages.flatMap((page, index) =>
      isSearch(page) ? [{ page, found: rowNodes(statistics.pages[index] ?? []) }] : [],
    );
    expect(searches.length).toBeGreaterThan(20);
    for (const { page, found } of searches) {
      const table = found.filter(
        (node) => node["Relation Name"] === page.list && node["Parent Relationship"] !== "SubPlan",
      );
      expect([page, table.map((node) => node["Node Type"])]).toEqual([
        page,
        page.list === "doctors" || page.asked["deleted"]
          ? ["Index Scan", "Bitmap Heap Scan"]
          : ["Index Scan", "Bitmap Heap Scan", "Index Scan"],
      ]);
      const bitmaps = found
        .filter((node) => node["Node Type"] === "Bitmap Index Scan")
        .map((node) => node["Index Name"]);
      expect([page, bitmaps]).toEqual([page, expect.arrayContaining([`${page.list}_name_tokens_idx`])]);
    }
  });

  test("a page without a filter, or by one that has an index of its own, reads no other rows", () => {
    for (const [index, page] of pages.entries()) {
      if (!isNarrow(page)) continue;
      const { list, path, asked } = page;
      const nodes = statistics.pages[index] ?? [];
      const counts = nodes
        .filter(
          (node) => readsTable(node) && node["Relation Name"] === tableOf(page) && node["Actual Loops"] === 1,
        )
        .map((node) => (node["Actual Rows"] ?? 0) + (node["Rows Removed by Filter"] ?? 0));
      expect([path, asked, counts.filter((rows) => rows > 52)]).toEqual([path, asked, []]);
      // The indexes of a doctor's patients are not searched: these accounts belong to no doctor.
      const ofDoctors = nodes.filter(
        (node) => !asked["doctor"] && node["Index Name"]?.startsWith("mappings_doctor_"),
      );
      expect([path, ofDoctors.filter((node) => node["Actual Loops"] !== 0)]).toEqual([path, []]);
      // A few for the caller and the index, one for each row at most, and for an assignment its patient and its
      // doctor.
      expect(countBlocks(nodes)).toBeLessThanOrEqual(list === "mappings" ? 70 + 50 * 8 : 70 + 50 * 4);
    }
  });

  test("a doctor's own and assigned patients come from their indexes, and only the assigned ones are collected and sorted", () => {
    expect(statistics.doctorPages).toHaveLength(doctorPages.length);
    for (const [index, page] of doctorPages.entries()) {
      const found = rowNodes(statistics.doctorPages[index] ?? []);
      expect(found.length).toBeGreaterThan(0);
      const offending = found.filter((node) => node["Node Type"] === "Seq Scan" || sortsWholeTable(node));
      expect([page, offending]).toEqual([page, []]);
      const collectedRows = found
        .filter(sortsCollectedRows)
        .map((node) => node["Plans"]?.at(-1)?.["Actual Rows"] ?? 0);
      expect(Math.max(0, ...collectedRows)).toBeLessThanOrEqual(isSortedSubquery(page) ? ASSIGNED : 1);
    }
  });

  test("a doctor's page reads its own rows, by name or time all patients of the doctor, and never the whole tables", () => {
    const blocks = doctorPages.map((page, index) => ({
      page,
      blocks: countBlocks(statistics.doctorPages[index] ?? []),
    }));
    expect(blocks.filter(({ page, blocks }) => blocks > maxDoctorBlocks(page))).toEqual([]);
  });
});

describe("with 50,000 records of each kind, which all have changed,", () =>
  testFeedPlans((index) => feedPlans[index] ?? []));
