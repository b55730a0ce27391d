import { Refusal } from "./failure.ts";
import { type Json, parseJson, toPostgresText } from "./parameters.ts";

export interface Statement {
  query: string;
  /** In PostgreSQL's text format. */
  params: (string | null)[];
  /** Rows as arrays or as objects; as the request's header says when left out. */
  arrayMode: boolean | undefined;
}

/** One statement by itself, or several in one transaction. */
export type Payload = { kind: "single"; statement: Statement } | { kind: "batch"; statements: Statement[] };

/**
 * Reads the body of a request.
 *
 * @throws Refusal, 400, when it is not JSON or not of either shape
 */
export function readPayload(body: string): Payload {
  const json = parsed(body);
  const statement = readStatement(json);
  if (statement) return { kind: "single", statement };
  const queries = isObject(json) ? json["queries"] : undefined;
  const statements = Array.isArray(queries) ? queries.map(readStatement) : undefined;
  if (statements?.every((each) => each !== undefined)) return { kind: "batch", statements };
  throw unreadable('expected {"query", "params"} or {"queries": [{"query", "params"}, …]}');
}

const unreadable = (reason: string) => new Refusal(400, `could not parse the HTTP request body: ${reason}`);

function parsed(body: string): Json {
  try {
    return parseJson(body);
  } catch (error) {
    throw unreadable(error instanceof Error ? error.message : String(error));
  }
}

function isObject(json: Json | undefined): json is { [name: string]: Json } {
  return typeof json === "object" && json !== null && !Array.isArray(json) && !JSON.isRawJSON(json);
}

function readStatement(json: Json): Statement | undefined {
  if (!isObject(json)) return undefined;
  const { query, params = [], arrayMode = null } = json;
  if (typeof query !== "string" || !Array.isArray(params)) return undefined;
  if (arrayMode !== null && typeof arrayMode !== "boolean") return undefined;
  return { query, params: params.map(toPostgresText), arrayMode: arrayMode ?? undefined };
}
