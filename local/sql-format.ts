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

/** A line is broken when it is longer. */
const MAX_LENGTH = 120;

/**
 * Indents a statement by its brackets. It keeps the line breaks of the templates in queries.ts: a formatter that
 * breaks all lines by itself, such as sql-formatter, makes 250 lines of a PATCH instead of 60. Only long lines are broken.
 */
export const formatSql = (text: string): string =>
  indentLines(text)
    .flatMap((line) => breakLine(line))
    .join("\n");

function indentLines(text: string): string[] {
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
  return lines.filter(Boolean);
}

/**
 * Breaks a long line, where the fewest brackets are open: after commas and before clauses, or else before OR, or else before
 * AND. The parts are indented one step more than the line.
 */
function breakLine(line: string): string[] {
  if (line.length <= MAX_LENGTH || line.includes("--")) return [line];
  const parts = splitOutermost(line);
  if (parts.length === 1) return [line];
  const indent = `${/^ */.exec(line)?.[0]}  `;
  const lines: string[] = [];
  let last = parts[0] ?? "";
  for (const part of parts.slice(1)) {
    if (`${last} ${part}`.length <= MAX_LENGTH) last += ` ${part}`;
    else {
      lines.push(last);
      last = indent + part;
    }
  }
  return [...lines, last].flatMap((short) => breakLine(short));
}

/** How close the two sides of a place are. A bracket is closer than all of them. */
const CLOSENESS: Record<string, number> = { OR: 0.1, AND: 0.2, "<": 0.3 };

function splitOutermost(line: string): string[] {
  // Literals and names in quotes have the same length, and nothing to split at.
  const code = line.replaceAll(LITERAL, hide).replaceAll(/"[^"]*"/g, hide);
  let depth = 0;
  const places: { index: number; closeness: number }[] = [];
  for (const { 0: token, 1: word = "", index } of code.matchAll(
    /[([\])]|, | (?=(AND|OR|FROM|WHERE|THEN|ELSE|<) )/g,
  )) {
    if ("([".includes(token)) depth += 1;
    else if (")]".includes(token)) depth -= 1;
    else if (line.slice(0, index).trim())
      places.push({ index: index + token.length, closeness: depth + (CLOSENESS[word] ?? 0) });
  }
  const outermost = Math.min(...places.map(({ closeness }) => closeness));
  const starts = [0, ...places.filter((place) => place.closeness === outermost).map(({ index }) => index)];
  return starts.map((start, n) => line.slice(start, starts[n + 1]).trimEnd());
}

const hide = (quoted: string): string => "_".repeat(quoted.length);
