import { inject } from "vitest";
import type { Account } from "./accounts.ts";
import { owner } from "./owner.ts";
import type { Statement } from "./statements.ts";

/** A node of a plan, as `EXPLAIN (FORMAT JSON)` writes it. */
export interface Node {
  "Node Type": string;
  "Relation Name"?: string;
  /** What the plan below is the plan of: `CTE taken`. */
  "Subplan Name"?: string;
  "Index Cond"?: string;
  /** How many rows a run of it gave, and how many pages it touched with all below it; with `ANALYZE`. */
  "Actual Rows"?: number;
  "Rows Removed by Filter"?: number;
  "Actual Loops"?: number;
  "Shared Hit Blocks"?: number;
  "Shared Read Blocks"?: number;
  Plans?: Node[];
}

export const statement = (query: string, ...params: unknown[]): Statement => ({ query, params });

/** Something to do in the database, or a statement whose plan is asked for; `analyze` runs it too. */
export type Step = { run: Statement } | { explain: Statement; analyze?: boolean };

/** Takes the steps in the fillable database, as its owner, and all of it back. @returns the plan of each that asked, from the top down */
export async function inVain(steps: Step[]): Promise<Node[][]> {
  const sql = owner(inject("cloud").fillableUrl);
  const queries = steps.map((step) => {
    if ("run" in step) return sql.query(step.run.query, step.run.params);
    const { explain, analyze = false } = step;
    const options = `FORMAT JSON, ANALYZE ${analyze}, BUFFERS ${analyze}`;
    return sql.query(`EXPLAIN (${options}) ${explain.query}`, explain.params);
  });
  const results = await sql.transaction([...queries, sql.query("ROLLBACK")]);
  return steps.flatMap((step, index) => ("run" in step ? [] : [nodesOf(topOf(results[index]))]));
}

function topOf(rows: Record<string, unknown>[] = []): Node {
  const [plan] = Object(rows[0])["QUERY PLAN"];
  return plan.Plan;
}

/** A plan and all below it, from the top down. */
export const nodesOf = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

/** Whether a node reads a table, by itself or by its index. */
export const reads = (node: Node): boolean =>
  node["Relation Name"] !== undefined && node["Node Type"].endsWith("Scan");

/** An account of the API's database, here too: plans are looked at where nobody else is kept waiting. */
export const enter = ({ id, sid, username }: Account, role = "clinician"): Step[] =>
  [
    statement(
      `INSERT INTO users (id, username, email, password_hash, role) OVERRIDING SYSTEM VALUE
       VALUES ($1, $2, 'big@fill.example.org', repeat('x', 60), $3)`,
      id,
      username,
      role,
    ),
    statement("SELECT setval(pg_get_serial_sequence('users', 'id'), 1000000)"),
    statement(
      "INSERT INTO sessions (id, user_id, token_version, expires_at) VALUES ($1, $2, 1, 'infinity')",
      sid,
      id,
    ),
  ].map((run) => ({ run }));
