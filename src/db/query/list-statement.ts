import { type SQL, sql } from "drizzle-orm";
import { intParam, type Json, param } from "../statement.ts";
import { insertRetryableAuditEvent } from "./audit.ts";
import { authenticatedRetryable, callerSteps, callerStepsForAuditors, type SendForCaller } from "./caller.ts";
import { columnNames, isTimestamp, responseColumn } from "./json.ts";
import type { IndexScan, ListDefinition, Sort } from "./list.ts";

// The statement that reads one page of a list (list.ts), in one sort order and direction.

type PageRow = { body: Json<unknown>; key: string | null; id: number | null; isAllowed: boolean };
export type SendPage = SendForCaller<PageRow, Record<string, unknown>>;

/** How many records a page has at most: 1 to 200. */
const pageSize = intParam("size");
const afterId = sql`${param("after_id")}::bigint`;

/** The names of the columns without their aliases. */
const bareColumns = (order: string[]): string[] => order.map((column) => column.replace(/^\w+\./, ""));
const orderBy = (columns: string[], isBackwards: boolean): SQL =>
  sql.raw(columns.map((column) => (isBackwards ? `${column} DESC` : column)).join(", "));

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
  const { alias, json, join, steps, auditEvent, isAllowed = sql`true`, acceptsAuditors } = list;
  const order = bareColumns(sort.order);
  const [key] = order;
  const conditions = Object.entries(list.filters).flatMap(([filter, condition]) =>
    sortName.startsWith(`${filter} `) ? [] : condition,
  );
  const last = sql`FROM page_and_next ${sql.raw(alias)} WHERE page_position = ${pageSize} AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > ${pageSize})`;
  return sql`-- ${sql.raw(list.routes)}
  WITH ${acceptsAuditors ? callerStepsForAuditors : callerSteps},${steps && sql`\n  ${steps},`}
  page_and_next AS (
    SELECT ${sql.raw(alias)}.*, row_number() OVER (ORDER BY ${orderBy(order, isBackwards)}) AS page_position
    FROM (
      ${mergedScans(list, sort, conditions, isBackwards)}
    ) ${sql.raw(alias)}
  ),
  page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= ${pageSize}),
  page_json AS (
    SELECT page_position, ${json} AS json
    FROM page ${sql.raw(alias)}${join && sql`\n    ${join}`}
  )${auditEventStep(auditEvent)}
SELECT (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
${order.length > 1 ? sql`(SELECT ${responseColumn(alias, key ?? "")} ${last})` : sql`NULL::text`} AS key,
(SELECT id::float8 ${last}) AS id,
${isAllowed} AS "isAllowed"
FROM caller`;
}

const auditEventStep = ({ columns, condition }: ListDefinition["auditEvent"]): SQL =>
  sql`,\n  ${insertRetryableAuditEvent(columns, condition)}`;

/**
 * The next rows, one more than a page holds. Each of several index scans reads that many rows, and the first of all of
 * them are returned; a row found by two scans is returned once.
 */
function mergedScans(
  list: ListDefinition,
  { order, scans }: Sort,
  filterConditions: SQL[],
  isBackwards: boolean,
): SQL {
  const rows = scans.map((scan) => scanRows(list, { order, ...scan }, filterConditions, isBackwards));
  const columns = bareColumns(order);
  if (rows.length === 1) return sql.join(rows);
  return sql`SELECT DISTINCT ON (${sql.raw(columns.join(", "))}) * FROM (
        (
          ${sql.join(
            rows,
            sql`
        )
        UNION ALL
        (
          `,
          )}
        )
      ) merged
      ORDER BY ${orderBy(columns, isBackwards)} LIMIT ${pageSize} + 1`;
}

function scanRows(
  list: ListDefinition,
  scan: IndexScan & { order: string[] },
  filterConditions: SQL[],
  isBackwards: boolean,
): SQL {
  const conditions = [
    ...(scan.condition ? [scan.condition] : []),
    pageRange(scan, list.timeRange, isBackwards),
    ...filterConditions,
    ...(list.isAllowed ? [list.isAllowed] : []),
  ];
  const columns = [...(scan.equals ?? []).map(([column]) => column), ...scan.order];
  const selected = columnNames(list.columns ?? ["*"], `${list.alias}.`);
  return sql`SELECT ${selected}
      FROM ${scan.from}
      WHERE ${sql.join(conditions, sql`\n AND `)}
      ORDER BY ${orderBy(columns, isBackwards)} LIMIT ${pageSize} + 1`;
}

/**
 * The range of the index after the last page and within the time range. It is a comparison of rows, which begin with
 * the columns of `equals`, and so does ORDER BY: only the index on exactly these columns has the order. With
 * `owner_id = …` PostgreSQL may take another index that begins with `owner_id`, and filter all rows of the owner, when
 * its statistics are old. Shown by test/db/plans.test.ts.
 */
function pageRange(
  { equals = [], order }: IndexScan & { order: string[] },
  timeRange: ListDefinition["timeRange"],
  isBackwards: boolean,
): SQL {
  const [key = "", id] = order;
  const [after, within] = isBackwards ? [sql`<`, sql`>=`] : [sql`>`, sql`<=`];
  const values = equals.map(([, value]) => value);
  const columns = equals.map(([column]) => column);
  const afterKey = sql`${param("after_key")}::${sql.raw(isTimestamp(key) ? "timestamptz" : "text")}`;
  const position = id === undefined ? [afterId] : [afterKey, afterId];
  const start = sql`${row([...columns, ...order])} ${after} ${row([...values, ...position])}`;
  const [boundColumns, boundValues] = timeRange
    ? [
        [...columns, key],
        [...values, sql`coalesce(${param(timeRange.fromParam)}::timestamptz, '-infinity')`],
      ]
    : [columns, values];
  return boundColumns.length === 0
    ? start
    : sql`${start}\n AND ${row(boundColumns)} ${within} ${row(boundValues)}`;
}

/** A row of values; one value alone without brackets. */
function row(parts: (string | SQL)[]): SQL {
  const list = sql.join(
    parts.map((part) => (typeof part === "string" ? sql.raw(part) : part)),
    sql`, `,
  );
  return parts.length === 1 ? list : sql`(${list})`;
}
