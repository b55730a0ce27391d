import type { Account } from "./accounts.ts";
import { inEmptyDatabase } from "./empty-database.ts";
import { owner } from "./owner.ts";
import type { Statement } from "./statements.ts";

/** A node of a plan, as `EXPLAIN (FORMAT JSON)` writes it. */
export interface Node {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Name"?: string;
  /** What the plan below is the plan of: `CTE taken`. */
  "Subplan Name"?: string;
  "Parent Relationship"?: string;
  "Index Cond"?: string;
  "One-Time Filter"?: string;
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

/**
 * Takes the steps in an empty database, as its owner, and all of it back: not in the same one each time, for what others have filled
 * in vain is in its tables still, to be passed over and estimated by.
 *
 * @returns the plan of each that asked, from the top down
 */
export const inVain = (steps: Step[]): Promise<Node[][]> => inEmptyDatabase((url) => plansOf(steps, url));

async function plansOf(steps: Step[], url: string): Promise<Node[][]> {
  const sql = owner(url);
  const queries = steps.map((step) => {
    if ("run" in step) return sql.query(step.run.query, step.run.params);
    const { explain, analyze = false } = step;
    // No more than the tests look at: all answers together must not be larger than the endpoint allows.
    const options = `FORMAT JSON, COSTS false, SUMMARY false, ANALYZE ${analyze}, BUFFERS ${analyze}${analyze ? ", TIMING false" : ""}`;
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

const sorts = (node: Node): boolean => /Sort$/.test(node["Node Type"]);
/** The nodes whose rows a node is given. */
const inputsOf = ({ Plans = [] }: Node): Node[] =>
  Plans.filter((one) => !["InitPlan", "SubPlan"].includes(one["Parent Relationship"] ?? ""));
/** Whether a node has the first rows of one path or of several, each cut off by itself, and no others. */
const isCut = (node: Node): boolean =>
  node["Node Type"] === "Limit" ||
  (/^(Append|Merge Append|Subquery Scan|Sort)$/.test(node["Node Type"]) && inputsOf(node).every(isCut));
/** Whether a node sorts what it must not: more than the first rows of some paths, unless they have been `gathered` for it. */
export const sortsMore = (node: Node): boolean =>
  sorts(node) && !inputsOf(node).every(isCut) && !gathers(node);
/** Whether a node sorts what was gathered before, for those callers that have something there. */
export const gathers = (node: Node): boolean => {
  const [gate] = inputsOf(node);
  return (
    sorts(node) &&
    gate?.["One-Time Filter"] !== undefined &&
    inputsOf(gate)[0]?.["Node Type"] === "Subquery Scan"
  );
};

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
