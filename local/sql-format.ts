/** A line that begins a clause or a step, a comment, or a closing bracket: it is not indented as a continued line. */
const CLAUSE =
  /^(WITH|SELECT|FROM|WHERE|GROUP BY|HAVING|ORDER BY|LIMIT|UNION|INSERT|UPDATE|DELETE|SET|RETURNING|FOR|ON CONFLICT|USING|--|\)|\($|\w+ AS (MATERIALIZED )?\()/;
const LITERAL = /E'(?:\\.|''|[^'\\])*'|'(?:''|[^'])*'/g;

/**
 * Indents a statement by its brackets. It keeps the line breaks of the templates in queries.ts: a formatter that
 * breaks lines by itself, such as sql-formatter, makes 250 lines of a PATCH instead of 60.
 */
export function formatSql(text: string): string {
  let depth = 0;
  const lines = text.split("\n").map((line) => {
    const trimmed = line.trim();
    const code = trimmed.replaceAll(LITERAL, "").replace(/--.*/, "");
    const closedFirst = /^\)*/.exec(code)?.[0].length ?? 0;
    const indent = depth - closedFirst + (CLAUSE.test(trimmed) ? 0 : 1);
    depth += (code.match(/\(/g)?.length ?? 0) - (code.match(/\)/g)?.length ?? 0);
    return trimmed && "  ".repeat(indent) + trimmed;
  });
  return lines.filter(Boolean).join("\n");
}
