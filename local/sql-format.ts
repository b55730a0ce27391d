/** A line that begins a clause or a step, a comment, or a closing bracket: it is not indented as a continued line. */
const CLAUSE =
  /^(WITH|SELECT|FROM|WHERE|GROUP BY|HAVING|ORDER BY|LIMIT|UNION|INSERT|UPDATE|DELETE|SET|RETURNING|FOR|ON CONFLICT|USING|--|\)|\w+ AS ((NOT )?MATERIALIZED )?\()/;
/** A branch of a CASE. */
const BRANCH = /^(WHEN|THEN|ELSE)\b/;
const LITERAL = /E'(?:\\.|''|[^'\\])*'|'(?:''|[^'])*'/g;

/**
 * Indents a statement by its brackets. It keeps the line breaks of the templates in queries.ts: a formatter that
 * breaks lines by itself, such as sql-formatter, makes 250 lines of a PATCH instead of 60.
 */
export function formatSql(text: string): string {
  /** For each open bracket: the indentation of its line and of the lines in it, and whether they have begun a clause. */
  const open: { line: number; content: number; isInClause: boolean }[] = [];
  const lines = text.split("\n").map((line) => {
    const trimmed = line.trim();
    const code = trimmed.replaceAll(LITERAL, "").replace(/--.*/, "");
    const closedFirst = /^\)*/.exec(code)?.[0].length ?? 0;
    const inner = open.at(-1);
    const isContinued = !CLAUSE.test(trimmed) && (inner?.isInClause ?? true);
    const content = (inner?.content ?? 0) + (isContinued ? 1 : 0) + (BRANCH.test(trimmed) ? 1 : 0);
    const indent = closedFirst > 0 ? (open.at(-closedFirst)?.line ?? 0) : content;
    if (inner) inner.isInClause ||= CLAUSE.test(trimmed) && closedFirst === 0 && trimmed !== "UNION ALL";
    const brackets = code.match(/[()]/g) ?? [];
    for (const bracket of brackets)
      if (bracket === ")") open.pop();
      else open.push({ line: indent, content: indent + 1, isInClause: /\(\s*(SELECT|WITH)\b/.test(code) });
    return trimmed && "  ".repeat(indent) + trimmed;
  });
  return lines.filter(Boolean).join("\n");
}
