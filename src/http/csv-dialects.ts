// How the cells of a CSV file are separated, and which are blank.

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
