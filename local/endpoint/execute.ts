import type pg from "pg";
import { Refusal, sizeLimit, tooLarge } from "./failure.ts";
import { type ElementTypes, resultToJson } from "./output.ts";
import type { Payload, Statement } from "./payload.ts";
import { elementTypesOf, type Result, runStatement } from "./query.ts";

/** What the headers of a request ask for. */
export interface RequestOptions {
  rawText: boolean;
  arrayMode: boolean;
  /** For a batch. */
  isolationLevel: IsolationLevel | undefined;
  readOnly: boolean;
  deferrable: boolean;
}

const isolationLevels = {
  ReadUncommitted: "READ UNCOMMITTED",
  ReadCommitted: "READ COMMITTED",
  RepeatableRead: "REPEATABLE READ",
  Serializable: "SERIALIZABLE",
} as const;
export type IsolationLevel = keyof typeof isolationLevels;

/** @throws Refusal, 400, for a level that is none */
export function readIsolationLevel(header: string | undefined): IsolationLevel | undefined {
  if (header === undefined || Object.hasOwn(isolationLevels, header))
    return header as IsolationLevel | undefined;
  throw new Refusal(400, "invalid isolation level");
}

/**
 * Runs a request's statement, or its statements in one transaction, and gives back the answer's JSON.
 *
 * @param signal the client hung up: nothing more is to be run, and a transaction not committed
 * @throws pg.DatabaseError, Refusal (507), or the signal's reason
 */
export async function execute(
  client: pg.Client,
  payload: Payload,
  options: RequestOptions,
  signal: AbortSignal,
): Promise<string> {
  if (payload.kind === "batch") return executeBatch(client, payload.statements, options, signal);
  const result = await runStatement(client, payload.statement, { bytes: sizeLimit });
  const [json = ""] = toJson([payload.statement], [result], options, await types(client, [result], options));
  return limited(json);
}

async function executeBatch(
  client: pg.Client,
  statements: Statement[],
  options: RequestOptions,
  signal: AbortSignal,
): Promise<string> {
  const budget = { bytes: sizeLimit };
  const results: Result[] = [];
  await client.query(startTransaction(options));
  try {
    for (const statement of statements) {
      signal.throwIfAborted();
      results.push(await runStatement(client, statement, budget));
    }
    const elementTypes = await types(client, results, options);
    const json = limited(`{"results":[${toJson(statements, results, options, elementTypes).join(",")}]}`);
    signal.throwIfAborted();
    await client.query("COMMIT");
    return json;
  } catch (error) {
    if (!(error instanceof Refusal)) await client.query("ROLLBACK").catch(() => {});
    throw error;
  }
}

function startTransaction({ isolationLevel, readOnly, deferrable }: RequestOptions): string {
  const modes = [
    isolationLevel && `ISOLATION LEVEL ${isolationLevels[isolationLevel]}`,
    readOnly && "READ ONLY",
    deferrable && "DEFERRABLE",
  ];
  return `START TRANSACTION ${modes.filter(Boolean).join(", ")}`;
}

function types(client: pg.Client, results: Result[], { rawText }: RequestOptions): Promise<ElementTypes> {
  return rawText ? Promise.resolve(new Map()) : elementTypesOf(client, results);
}

function toJson(
  statements: Statement[],
  results: Result[],
  { rawText, arrayMode }: RequestOptions,
  elementTypes: ElementTypes,
): string[] {
  return results.map((result, index) => {
    const mode = { rawText, arrayMode: statements[index]?.arrayMode ?? arrayMode };
    return resultToJson(result, mode, elementTypes);
  });
}

function limited(json: string): string {
  if (Buffer.byteLength(json) > sizeLimit) throw tooLarge.response();
  return json;
}
