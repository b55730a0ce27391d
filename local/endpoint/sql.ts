import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import pg from "pg";
import * as z from "zod";
import { type Connections, EndpointError } from "./connections.ts";
import { executeStatement, NothingRanError } from "./extended-query.ts";

/** The maximum size of a request and of a response in bytes: the default of Neon's proxy. */
export const SIZE_LIMIT = 10 * 1024 * 1024;

export interface EndpointResponse {
  status: number;
  body: string;
  /** In addition to Content-Type: application/json. */
  headers?: OutgoingHttpHeaders;
}

/**
 * Answers a request of Neon's driver, with one statement or with several in one transaction, like Neon's proxy
 * (`proxy/src/serverless/sql_over_http.rs`).
 *
 * @param signal aborted when the client disconnects: then no further statement runs and nothing is committed
 * @throws EndpointError, pg.DatabaseError, or the signal's reason
 */
export async function answerSql(
  headers: IncomingHttpHeaders,
  body: string,
  connections: Connections,
  signal: AbortSignal,
): Promise<EndpointResponse> {
  const header = (name: string) => headers[name]?.toString();
  // The driver always asks for text and arrays, and converts them to types and objects itself.
  if (header("neon-raw-text-output") !== "true" || header("neon-array-mode") !== "true")
    throw new EndpointError(400, "Neon-Raw-Text-Output and Neon-Array-Mode must both be true");
  const start = startTransaction(header);
  const payload = Payload.parse(JSON.parse(body));
  const json = await connections.withConnection(header("neon-connection-string") ?? "", signal, (client) =>
    "queries" in payload
      ? runTransaction(client, payload.queries, start, signal)
      : runStatement(client, payload, { bytes: SIZE_LIMIT }, signal),
  );
  // Neon repeats the transaction's settings in its response.
  const repeated = Object.entries(headers).filter(([name]) => name.startsWith("neon-batch-"));
  return { status: 200, body: json, headers: Object.fromEntries(repeated) };
}

const isolationLevels = ["ReadUncommitted", "ReadCommitted", "RepeatableRead", "Serializable"];

/**
 * The statement that begins a transaction, by the request's headers.
 *
 * @throws EndpointError for an unknown isolation level
 */
function startTransaction(header: (name: string) => string | undefined): string {
  const level = header("neon-batch-isolation-level");
  if (level && !isolationLevels.includes(level)) throw new EndpointError(400, "invalid isolation level");
  const isolation = level ? `ISOLATION LEVEL ${level.replace(/(?<=[a-z])(?=[A-Z])/, " ")}` : "";
  const access = header("neon-batch-read-only") === "true" ? "READ ONLY" : "";
  const deferral = header("neon-batch-deferrable") === "true" ? "DEFERRABLE" : "";
  return `START TRANSACTION ${isolation} ${access} ${deferral}`;
}

/** The driver sends every parameter as text, also arrays and objects. */
const Statement = z.object({ query: z.string(), params: z.array(z.string().nullable()) });
type Statement = z.infer<typeof Statement>;
const Payload = z.union(
  [Statement, z.object({ queries: z.array(Statement) })],
  'the body must be {"query", "params": [text or null, …]} or {"queries": [{"query", "params"}, …]}',
);

async function runTransaction(
  client: pg.ClientBase,
  statements: Statement[],
  start: string,
  signal: AbortSignal,
): Promise<string> {
  const budget = { bytes: SIZE_LIMIT };
  const results: string[] = [];
  // This starts nothing that another connection could not start: another one may be tried.
  await client.query(start).catch(throwNothingRan);
  for (const statement of statements) {
    signal.throwIfAborted();
    results.push(await runStatement(client, statement, budget, signal).catch(throwConnectionFailure));
  }
  signal.throwIfAborted();
  await client.query("COMMIT");
  return `{"results":[${results.join(",")}]}`;
}

function throwNothingRan(error: unknown): never {
  throw new NothingRanError(error);
}

/** Earlier statements of the transaction did run, though they are rolled back. */
function throwConnectionFailure(error: unknown): never {
  throw error instanceof NothingRanError ? error.cause : error;
}

/** How many more bytes of JSON the response may have. */
type Budget = { bytes: number };

/**
 * Runs one statement and returns its result as JSON.
 *
 * @throws as `executeStatement`; EndpointError when the result is larger than the budget, while the connection still
 *   receives rows
 */
async function runStatement(
  client: pg.ClientBase,
  { query, params: values }: Statement,
  budget: Budget,
  signal: AbortSignal,
): Promise<string> {
  const rows: string[] = [];
  const onRow = (row: (string | null)[]) => {
    const json = JSON.stringify(row);
    budget.bytes -= Buffer.byteLength(json) + 1;
    if (budget.bytes < 0) throw new EndpointError(507, `response is too large (max is ${SIZE_LIMIT} bytes)`);
    rows.push(json);
  };
  const result = await executeStatement(client, query, { values, onRow, signal });
  const { command, rowCount, columns: fields } = result;
  const head = JSON.stringify({ command, rowCount, rowAsArray: true, fields });
  return `${head.slice(0, -1)},"rows":[${rows.join(",")}]}`;
}

const clientErrors = [pg.DatabaseError, z.ZodError, SyntaxError, URIError];
const errorFields =
  "code detail hint position internalPosition internalQuery severity where table column schema dataType constraint file line routine";

/** The response to a failed request. It has every field of PostgreSQL's errors; those without a value are null. */
export function failureResponse(error: unknown): EndpointResponse {
  const values: Record<string, unknown> = { ...Object(error) };
  const fields = errorFields.split(" ").map((name) => [name, values[name] ?? null]);
  const defaultStatus = clientErrors.some((kind) => error instanceof kind) ? 400 : 500;
  const status = error instanceof EndpointError ? error.status : defaultStatus;
  return { status, body: JSON.stringify({ message: messageOf(error), ...Object.fromEntries(fields) }) };
}

function messageOf(error: unknown): string {
  if (error instanceof z.ZodError) return z.prettifyError(error);
  return error instanceof Error ? error.message : String(error);
}
