// How the cells and the lines of a CSV file are separated, and which are blank.

/** Whether a text has no visible character. */
export const isBlank = (text: string): boolean => !/[^\s\p{Cc}\p{Cf}]/u.test(text);

const BLANK = "[\\s\\p{Cc}\\p{Cf}]";

/** The pattern of a row of blank cells. Such a row allocates nothing: a file may have a million. */
function blankRowOf(separators: string): RegExp {
  const blanks = `(?:(?![\\r\\n${separators}])${BLANK})*`;
  const cell = `${blanks}(?:"${BLANK}*"${blanks})?`;
  return new RegExp(`${cell}(?:[${separators}]${cell})*(?:\\r\\n|\\n|\\r|$)`, "uy");
}

/** What may separate cells, with the patterns of a cell without quotation marks and of a blank row. */
export const dialects = [",", ";", "\t"].map((separator) => ({
  separator,
  plainCell: new RegExp(`[^"${separator}\\r\\n]*`, "y"),
  blankRow: blankRowOf(separator),
}));
export type Dialect = (typeof dialects)[number];
export const [COMMAS] = dialects as [Dialect];
export const BLANK_ROW_BEFORE_HEADER = blankRowOf(",;\t");

/** The length of the line end at a position: CR LF, LF or CR; 0 when there is none. */
export function lineEndLength(text: string, at: number): number {
  if (text[at] === "\n") return 1;
  if (text[at] !== "\r") return 0;
  return text[at + 1] === "\n" ? 2 : 1;
}

/** A loop, because an array of a million matches takes as much memory as the cell that is passed over. */
export function countLineEnds(text: string, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at += 1)
    if (text[at] === "\n" || (text[at] === "\r" && text[at + 1] !== "\n")) count += 1;
  return count;
}
