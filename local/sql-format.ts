/** A line that begins a clause or a step, a comment, or a closing bracket: it is not indented as a continued line. */
const CLAUSE =
  /^(WITH|SELECT|FROM|WHERE|GROUP BY|HAVING|ORDER BY|LIMIT|OFFSET|UNION|INSERT|UPDATE|DELETE|SET|RETURNING|FOR|ON CONFLICT|USING|--|\)|\w+ AS ((NOT )?MATERIALIZED )?\()/;
/** A branch of a CASE, and its result. */
const BRANCH = /^(WHEN|ELSE)\b/;
const BRANCH_RESULT = /^THEN\b/;
const LITERAL = /E'(?:\\.|''|[^'\\])*'|'(?:''|[^'])*'/g;

/** How much further a line is indented in a CASE. The result of a branch may stand on a line of its own. */
function branchIndent(line: string, previous: string): number {
  if (BRANCH.test(line)) return 1;
  if (!BRANCH_RESULT.test(line)) return 0;
  return BRANCH.test(previous) ? 2 : 1;
}

/**
 * Indents a statement by its brackets. It keeps the line breaks of the templates in queries.ts: a formatter that
 * breaks lines by itself, such as sql-formatter, makes 250 lines of a PATCH instead of 60.
 */
export function formatSql(text: string): string {
  /** For each open bracket: the indentation of its line and of the lines in it, and whether they have begun a clause. */
  const open: { line: number; content: number; isInClause: boolean }[] = [];
  const trimmedLines = text.split("\n").map((line) => line.trim());
  const lines = trimmedLines.map((trimmed, index) => {
    const previous = trimmedLines[index - 1] ?? "";
    const code = trimmed.replaceAll(LITERAL, "").replace(/--.*/, "");
    const closedFirst = /^\)*/.exec(code)?.[0].length ?? 0;
    const inner = open.at(-1);
    const isContinued = !CLAUSE.test(trimmed) && (inner?.isInClause ?? true);
    const content = (inner?.content ?? 0) + (isContinued ? 1 : 0) + branchIndent(trimmed, previous);
    const indent = closedFirst > 0 ? (open.at(-closedFirst)?.line ?? 0) : content;
    if (inner) inner.isInClause ||= CLAUSE.test(trimmed) && closedFirst === 0 && trimmed !== "UNION ALL";
    for (const [bracket, clause] of code.matchAll(/[()](\s*(?:SELECT|WITH)\b)?/g))
      if (bracket.startsWith(")")) open.pop();
      else open.push({ line: indent, content: indent + 1, isInClause: clause !== undefined });
    return trimmed && "  ".repeat(indent) + trimmed;
  });
  return lines.filter(Boolean).join("\n");
}
