import type { TestAccount } from "./accounts.ts";
import { inEmptyDatabase } from "./empty-database.ts";
import { owner } from "./owner.ts";
import type { RecordedStatement } from "./statements.ts";

/** A node of a plan, as `EXPLAIN (FORMAT JSON)` writes it. */
export interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Name"?: string;
  /** The name of the subplan that the node is the top of: `CTE page_and_next`. */
  "Subplan Name"?: string;
  /** The step that the node reads. */
  "CTE Name"?: string;
  "Parent Relationship"?: string;
  "Index Cond"?: string;
  "One-Time Filter"?: string;
  /** With `ANALYZE`: the rows of one loop, and below, the blocks that the node and all nodes below it read. */
  "Actual Rows"?: number;
  "Rows Removed by Filter"?: number;
  "Actual Loops"?: number;
  "Shared Hit Blocks"?: number;
  "Shared Read Blocks"?: number;
  Plans?: PlanNode[];
}

export const statement = (query: string, ...params: unknown[]): RecordedStatement => ({ query, params });

/** A statement to run, or one to explain; `analyze` runs it too. */
export type SetupStep = { run: RecordedStatement } | { explain: RecordedStatement; analyze?: boolean };

/**
 * Takes the steps as the owner of an empty database, which is dropped then: rows and statistics of earlier steps
 * would change the plans.
 *
 * @returns the nodes of each plan that was asked for, from the top down
 */
export const explainInFreshDatabase = (steps: SetupStep[]): Promise<PlanNode[][]> =>
  inEmptyDatabase((url) => plansOf(steps, url));

/** Autovacuum would take statistics between two steps. */
const disableAutovacuum = `
  DO $$ DECLARE name regclass; BEGIN
    FOR name IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
      EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', name);
    END LOOP;
  END $$`;

/** The name of the function that a statement calls, as `src/db/execute.ts` calls it. */
const calledFunction = ({ query }: RecordedStatement): string | undefined =>
  /from statements\."(\w+)"\(/.exec(query)?.[1];

/**
 * Explains the statement inside a function of the schema `statements`: the generic plan that the function keeps, with
 * the function's settings, which end with it.
 */
const createExplainFunction = `
  CREATE FUNCTION explain_function(name text, args text[], options text) RETURNS json LANGUAGE plpgsql AS $$
  DECLARE
    definition pg_proc;
    setting text;
    plan json;
  BEGIN
    SELECT * INTO STRICT definition FROM pg_proc WHERE proname = name AND pronamespace = 'statements'::regnamespace;
    FOREACH setting IN ARRAY definition.proconfig LOOP
      PERFORM set_config(split_part(setting, '=', 1), split_part(setting, '=', 2), true);
    END LOOP;
    EXECUTE format('PREPARE explained %s AS %s', nullif(format('(%s)', oidvectortypes(definition.proargtypes)), '()'),
      substring(definition.prosrc FROM 'RETURN QUERY(.*);\nEND'));
    EXECUTE format('EXPLAIN (%s) EXECUTE explained %s', options,
      (SELECT '(' || string_agg(quote_nullable(arg), ', ' ORDER BY n) || ')' FROM unnest(args) WITH ORDINALITY a (arg, n))) INTO plan;
    DEALLOCATE explained;
    FOREACH setting IN ARRAY definition.proconfig LOOP
      EXECUTE format('SET LOCAL %I TO DEFAULT', split_part(setting, '=', 1));
    END LOOP;
    RETURN plan;
  END $$`;

/**
 * Steps in one transaction: their plans are smaller than the 10 MiB that the endpoint allows for a response.
 */
const BATCH = 150;

async function plansOf(steps: SetupStep[], url: string): Promise<PlanNode[][]> {
  const sql = owner(url);
  await sql.query(disableAutovacuum);
  await sql.query(createExplainFunction);
  const queries = steps.map((step) => {
    if ("run" in step) return sql.query(step.run.query, step.run.params);
    const { explain, analyze = false } = step;
    const options = `FORMAT JSON, COSTS false, SUMMARY false, ANALYZE ${analyze}, BUFFERS ${analyze}${analyze ? ", TIMING false" : ""}`;
    const name = calledFunction(explain);
    if (name === undefined) return sql.query(`EXPLAIN (${options}) ${explain.query}`, explain.params);
    return sql.query(`SELECT explain_function($1, $2, $3) AS "QUERY PLAN"`, [name, explain.params, options]);
  });
  const results: Record<string, unknown>[][] = [];
  for (let start = 0; start < queries.length; start += BATCH)
    results.push(...(await sql.transaction(queries.slice(start, start + BATCH))));
  return steps.flatMap((step, index) => ("run" in step ? [] : [nodesOf(topOf(results[index]))]));
}

function topOf(rows: Record<string, unknown>[] = []): PlanNode {
  const [plan] = Object(rows[0])["QUERY PLAN"];
  return plan.Plan;
}

/** A node and all nodes below it, from the top down. */
export const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

/** Whether a node reads a table, with or without an index. */
export const readsTable = (node: PlanNode): boolean =>
  node["Relation Name"] !== undefined && node["Node Type"].endsWith("Scan");

const sorts = (node: PlanNode): boolean => /Sort$/.test(node["Node Type"]);
/** The nodes whose rows are the input of a node. */
const inputsOf = ({ Plans = [] }: PlanNode): PlanNode[] =>
  Plans.filter((one) => !["InitPlan", "SubPlan"].includes(one["Parent Relationship"] ?? ""));
/**
 * Whether a node has the first rows of one index scan, or the first rows of several, each with a limit of its own. The
 * step `next_matches` of a search has a limit, too.
 */
const isCut = (node: PlanNode): boolean =>
  node["Node Type"] === "Limit" ||
  node["CTE Name"] === "next_matches" ||
  (/^(Append|Merge Append|Subquery Scan|Sort)$/.test(node["Node Type"]) && inputsOf(node).every(isCut));
/**
 * Whether a node sorts more than the first rows of some index scans; rows that are collected on purpose
 * (`sortsCollectedRows`) do not count.
 */
export const sortsWholeTable = (node: PlanNode): boolean =>
  sorts(node) && !inputsOf(node).every(isCut) && !sortsCollectedRows(node);
/**
 * Whether a node sorts rows that a subquery collected first. A condition on the caller may stand between them, so that
 * it is done only for callers who have such rows.
 */
export const sortsCollectedRows = (node: PlanNode): boolean => {
  const [input] = inputsOf(node);
  const collected = input?.["One-Time Filter"] === undefined ? input : inputsOf(input)[0];
  return sorts(node) && collected?.["Node Type"] === "Subquery Scan" && !isCut(collected);
};

/**
 * Inserts an account of the API's database, with its session, into the empty one: the statements to explain are sent
 * by it.
 */
export const insertAccountSteps = ({ id, sid, username }: TestAccount, role = "clinician"): SetupStep[] =>
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
