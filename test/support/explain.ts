import { neon, neonConfig } from "@neondatabase/serverless";
import { inject } from "vitest";
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
 * @param analyze whether they are really run.
 * @returns the nodes of each one's plan, from the top down.
 */
export async function explain(
  filling: Statement[],
  statements: Statement[],
  { analyze = false } = {},
): Promise<Map<Statement, Node[]>> {
  const { ownerUrl, endpointOrigin } = inject("cloud");
  neonConfig.fetchEndpoint = `${endpointOrigin}/sql`;
  const sql = neon(ownerUrl);
  const results = await sql.transaction([
    ...filling.map(({ query, params }) => sql.query(query, params)),
    sql.query("ANALYZE users, sessions, refresh_tokens, patients, doctors, mappings"),
    ...statements.map(({ query, params }) =>
      sql.query(`EXPLAIN (FORMAT JSON, ANALYZE ${analyze}) ${query}`, params),
    ),
    sql.query("ROLLBACK"),
  ]);
  const plans = results.slice(filling.length + 1, -1);
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
