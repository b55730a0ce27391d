import { expect, test } from "vitest";
import { statementFunctions } from "../../src/db/sql/functions.ts";
import type { TestAccount } from "../support/accounts.ts";
import { type PlanNode, readsTable, sortsWholeTable } from "../support/explain.ts";
import { ASSIGNED } from "../support/large-tables.ts";
import { type RecordedStatement, recordStatements } from "../support/statements.ts";

// What a page of the change feed reads, with 50,000 records of each kind, which all have changed.

/** The rows of one scan: a page and the next row. */
const PAGE_ROWS = 501;

/** A statement of the feed with another position, which is valid in every database. */
function startAt({ query, params }: RecordedStatement, position: Record<string, unknown>): RecordedStatement {
  const name = query.includes("list_since") ? "changes/list-since" : "changes/list-all";
  const names = Object.keys(statementFunctions[name]?.params ?? {});
  const values: Record<string, unknown> = { epoch: null, ...position };
  return { query, params: names.map((one, index) => (one in values ? values[one] : params[index])) };
}

const [everything, since] = ["from the start", "since a cursor"] as const;
const cases = [
  ["an account with 25,000 patients", everything],
  ["an account with 25,000 patients", since],
  ["the own account of a doctor with 3,000 patients", everything],
  ["the own account of a doctor with 3,000 patients", since],
] as const;

/** The statements of the cases, in their order, as these accounts send them. */
export async function feedStatements(big: TestAccount, doctor: TestAccount): Promise<RecordedStatement[]> {
  const explained: RecordedStatement[] = [];
  for (const account of [big, doctor]) {
    const first = await recordStatements(() => account.get("/api/changes/"));
    const { body } = await account.get("/api/changes/");
    const next = await recordStatements(() => account.get(`/api/changes/?since=${body.cursor}`));
    explained.push(
      ...first.map((statement) => startAt(statement, { kind: 1, id: 1000 })),
      ...next.map((statement) => startAt(statement, { xact: "3", kind: 0, id: 0 })),
    );
  }
  expect(explained).toHaveLength(cases.length);
  return explained;
}

/** Tests the plans of `feedStatements`. */
export function testFeedPlans(planOf: (index: number) => PlanNode[]): void {
  test.each(cases.map(([who, from], index) => ({ who, from, index })))(
    "$from, a page for $who comes from indexes, and reads the rows of a page",
    ({ who, index }) => {
      const nodes = planOf(index);
      expect(nodes.length).toBeGreaterThan(0);
      const ofDoctor = who.includes("doctor");
      expect(nodes.filter((node) => node["Node Type"] === "Seq Scan")).toEqual([]);
      const rows = nodes
        .filter((node) => readsTable(node) && node["Actual Loops"] === 1)
        .map((node) => [
          node["Index Name"],
          (node["Actual Rows"] ?? 0) + (node["Rows Removed by Filter"] ?? 0),
        ]);
      expect(rows.filter(([, count]) => Number(count) > (ofDoctor ? ASSIGNED : PAGE_ROWS))).toEqual([]);
      if (!ofDoctor) expect(nodes.filter(sortsWholeTable).filter((node) => readsTable(node))).toEqual([]);
      const [top] = nodes;
      const blocks = (top?.["Shared Hit Blocks"] ?? 0) + (top?.["Shared Read Blocks"] ?? 0);
      expect(blocks).toBeLessThan((ofDoctor ? ASSIGNED * 5 : 0) + PAGE_ROWS * 25);
    },
  );

  test.each(cases.map(([who, from], index) => ({ who, from, index })).filter(({ from }) => from === since))(
    "$from, the scans for $who end with the changes of their audience, also in PostgreSQL 15",
    ({ index }) => {
      const scans =
        planOf(index).filter((node) => node["Index Name"] === "record_changes_audience_idx") ?? [];
      expect(scans).toHaveLength(3);
      for (const scan of scans)
        expect(scan["Index Cond"]).toMatch(/\(audience = .*\(audience_id = .*\(xact < /);
    },
  );
}
