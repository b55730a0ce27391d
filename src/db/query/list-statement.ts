import { type SQL, sql } from "drizzle-orm";
import type { Json } from "../statement.ts";
import { insertRetryableAuditEvent } from "./audit.ts";
import { authenticatedRetryable, type SendForCaller } from "./authenticated.ts";
import { callerSteps, callerStepsForAuditors, refusalColumn } from "./caller.ts";
import { responseColumn } from "./json.ts";
import type { ListDefinition, Sort } from "./list.ts";
import { bareColumns, nextMatchesStep, orderBy, pageRows, pageSize } from "./list-scans.ts";
import type { MergedState } from "./successor.ts";

// The statement that reads one page of a list (list.ts), in one sort order and direction.

type PageRow = MergedState & {
  body: Json<unknown>;
  key: string | null;
  id: number | null;
  isAllowed: boolean;
};
export type SendPage = SendForCaller<PageRow, Record<string, unknown>>;

/** Defines the statement of a list for one sort order and direction. Its template is built when it is rendered. */
export function definePageStatement(
  list: ListDefinition,
  sortName: string,
  sort: Sort,
  isBackwards: boolean,
): SendPage {
  const { acceptsAuditors = false } = list;
  const name = `${list.name}-by-${sortName.replaceAll(/[ _]/g, "-")}${isBackwards ? "-desc" : ""}`;
  return authenticatedRetryable(name, () => pageQuery(list, sortName, sort, isBackwards), {
    readsInIndexOrder: true,
    acceptsAuditors,
  });
}

function pageQuery(list: ListDefinition, sortName: string, sort: Sort, isBackwards: boolean): SQL {
  const { alias, json, join, steps, auditEvent, isAllowed = sql`true`, successor, acceptsAuditors } = list;
  const order = bareColumns(sort.order);
  const [key] = order;
  const conditions = Object.entries(list.filters).flatMap(([filter, condition]) =>
    sortName.startsWith(`${filter} `) && !sort.namesFound ? [] : condition,
  );
  const last = sql`FROM page_and_next ${sql.raw(alias)} WHERE page_position = ${pageSize} AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > ${pageSize})`;
  return sql`-- ${sql.raw(list.routes)}
  WITH ${acceptsAuditors ? callerStepsForAuditors : callerSteps},${steps && sql`\n  ${steps},`}${sort.namesFound && sql`\n  ${nextMatchesStep(list, sort, conditions, isBackwards)},`}
  page_and_next AS (
    SELECT ${sql.raw(alias)}.*, row_number() OVER (ORDER BY ${orderBy(order, isBackwards)}) AS page_position
    FROM (
      ${pageRows(list, sort, conditions, isBackwards)}
    ) ${sql.raw(alias)}
  ),
  page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= ${pageSize}),
  page_json AS (
    SELECT page_position, ${json} AS json
    FROM page ${sql.raw(alias)}${join && sql`\n    ${join}`}
  )${auditEventStep(auditEvent)}
SELECT ${refusalColumn}, (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
${order.length > 1 ? sql`(SELECT ${responseColumn(alias, key ?? "")} ${last})` : sql`NULL::text`} AS key,
(SELECT id::float8 ${last}) AS id,
${isAllowed} AS "isAllowed"${successor && sql`,\n${successor}`}
FROM token_account`;
}

const auditEventStep = (event: ListDefinition["auditEvent"]): SQL =>
  event ? sql`,\n  ${insertRetryableAuditEvent(event.columns, event.condition)}` : sql``;
