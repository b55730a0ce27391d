import { owner } from "./owner.ts";
import type { Statement } from "./statements.ts";

/** A node of a plan, as `EXPLAIN (FORMAT JSON)` writes it. */
export interface Node {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Cond"?: string;
  /** How many rows a run of it gave, with `ANALYZE`. */
  "Actual Rows"?: number;
  "Rows Removed by Filter"?: number;
  Plans?: Node[];
}

/**
 * How PostgreSQL runs statements in a database that `filling` has filled first, as its owner; all of it is rolled back.
 *
 * @param filling statements to fill it with; `ANALYZE` among them says when PostgreSQL takes its statistics.
 * @param analyze whether the statements are really run.
 * @returns the nodes of each one's plan, from the top down.
 */
export async function explain(
  filling: Statement[],
  statements: Statement[],
  { analyze = false } = {},
): Promise<Map<Statement, Node[]>> {
  const sql = owner();
  const results = await sql.transaction([
    ...filling.map(({ query, params }) => sql.query(query, params)),
    ...statements.map(({ query, params }) =>
      sql.query(`EXPLAIN (FORMAT JSON, ANALYZE ${analyze}) ${query}`, params),
    ),
    sql.query("ROLLBACK"),
  ]);
  const plans = results.slice(filling.length, -1);
  return new Map(statements.map((statement, index) => [statement, nodesOf(topOf(plans[index]))]));
}

function topOf(rows: Record<string, unknown>[] = []): Node {
  const [plan] = Object(rows[0])["QUERY PLAN"];
  return plan.Plan;
}

const nodesOf = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

/** Whether a node reads a table, by itself or by its index. */
export const reads = (node: Node): boolean =>
  node["Relation Name"] !== undefined && node["Node Type"].endsWith("Scan");
