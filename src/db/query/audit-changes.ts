import { type SQL, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import { isoTimestampText, isTimestamp, tableColumn } from "./json.ts";

// What an audit event changed, as the JSON text `{field: {before, after}}`.

/**
 * The differences between two JSON objects: `{field: {before, after}}` of the fields that differ, in their order.
 *
 * @param before NULL when the record did not exist before: all `before` values are null then.
 * @param after NULL when it does not exist afterwards.
 */
export const changesBetween = (before: SQL, after: SQL): SQL => sql`(
      SELECT ('{' || string_agg(
        format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'), coalesce(a.value::text, 'null')),
        ',' ORDER BY coalesce(b.n, a.n)
      ) || '}')::json
      FROM json_each(${before}) WITH ORDINALITY b (key, value, n)
        FULL JOIN json_each(${after}) WITH ORDINALITY a (key, value, n) USING (key)
      WHERE b.value::text IS DISTINCT FROM a.value::text
    )`;

/**
 * The same as `changesBetween` for columns, as rows instead of JSON objects: a PATCH costs PostgreSQL 10 % less CPU
 * than with `changesBetween`, measured on 18.4. Of a new record, optional columns that are empty are left out.
 *
 * @param before the step with the row before; undefined when the record did not exist before.
 * @param after the step with the row afterwards.
 * @param options.more JSON members that come after those of the columns; NULL when there are none.
 * @param options.dates the column with the day of a field's value, by the field: a value that is said again, on another
 *   day, is a change.
 */
export function changesOfFields(
  table: PgTable,
  names: readonly string[],
  before: string | undefined,
  after: string,
  { more, dates = {} }: { more?: SQL; dates?: Record<string, string> } = {},
): SQL {
  const changes = names.map((name) => {
    const column = tableColumn(table, name);
    const [old, now] = [before ? jsonOf(column, before) : "'null'", jsonOf(column, after)];
    const change = `concat('"${name}":{"before":', ${old}, ',"after":', ${now}, '}')`;
    const compared = [column, ...(dates[name] ? [tableColumn(table, dates[name])] : [])];
    const condition = before
      ? compared.map((one) => isChanged(one, before, after)).join(" OR ")
      : isFilled(column, after);
    return condition ? `CASE WHEN ${condition}\nTHEN ${change} END` : change;
  });
  const [open, close] = [sql`nullif('{' || concat_ws(',',`, sql`) || '}', '{}')::json`];
  return sql`${open}\n${sql.raw(changes.join(",\n"))}${more && sql`,\n${more}`}\n${close}`;
}

/** Free texts of appointments. The audit log says that there is one, and not what it says. */
const maskedTexts = ["note", "cancel_reason", "override_reason"];

/** A column as JSON. Identifiers and free texts are masked: the audit log is read by more people than the patients. */
function jsonOf({ name, notNull }: PgColumn, step: string): string {
  const value = `${step}.${name}`;
  if (name === "identifiers") return `mask_identifiers(${value})`;
  if (maskedTexts.includes(name)) return `CASE WHEN ${value} IS NULL THEN 'null' ELSE '"***"' END`;
  if (isTimestamp(name)) return `to_json(${isoTimestampText(value)})`;
  return notNull ? `to_json(${value})` : `coalesce(to_json(${value})::text, 'null')`;
}

const isChanged = ({ name, notNull }: PgColumn, before: string, after: string): string =>
  `${before}.${name} ${notNull ? "<>" : "IS DISTINCT FROM"} ${after}.${name}`;

/** Whether a column of a new record has a value; undefined for one that always has. */
function isFilled(column: PgColumn, step: string): string | undefined {
  const name = `${step}.${column.name}`;
  if (!column.notNull) return `${name} IS NOT NULL`;
  if (column.default === false) return name;
  const type = column.getSQLType();
  if (/\[\]$/.test(type)) return `${name} <> '{}'`;
  return type === "jsonb" ? `${name} <> '[]'` : undefined;
}
