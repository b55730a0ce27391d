/**
 * An array in PostgreSQL's text format as a JSON array:
 * https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
 *
 * As in Neon's proxy bounds (`[2:3]={…}`) are dropped and the delimiter is always a comma.
 *
 * @param elementToJson makes JSON of an element that is not NULL
 * @throws when `text` is not an array
 */
export function arrayToJson(text: string, elementToJson: (element: string) => string): string {
  const token = /\s*(?:([{},])|"([^"\\]*(?:\\.[^"\\]*)*)"|([^{},"\s](?:[^{},"]*[^{},"\s])?))\s*/gsy;
  token.lastIndex = text.startsWith("[") ? text.indexOf("=") + 1 : 0;
  let json = "";
  let depth = 0;
  do {
    const [, mark, quoted, bare] = token.exec(text) ?? unbalanced(text);
    if (mark === ",") json += ",";
    else if (mark === "{") json += "[";
    else if (mark === "}") json += "]";
    else if (bare === "NULL") json += "null";
    else json += elementToJson(bare ?? quoted?.replace(/\\(.)/gs, "$1") ?? "");
    if (mark === "{") depth += 1;
    if (mark === "}") depth -= 1;
  } while (depth > 0);
  if (token.lastIndex !== text.length) unbalanced(text);
  return json;
}

function unbalanced(text: string): never {
  throw new Error(`unbalanced array: ${text}`);
}
