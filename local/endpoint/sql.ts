import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { setTimeout } from "node:timers/promises";
import { readBody, send, sendJson } from "./body.ts";
import type { Channels } from "./channels.ts";
import { readCredentials } from "./credentials.ts";
import { execute, type RequestOptions, readIsolationLevel } from "./execute.ts";
import { failureAnswer } from "./failure.ts";
import { type Payload, readPayload } from "./payload.ts";
import type { Pool } from "./pool.ts";

interface Answer {
  status: number;
  body: string;
  headers?: OutgoingHttpHeaders;
}

/** The handler of `/sql` in every channel. */
export function createSqlHandler(endpoint: {
  databaseUrl: string;
  delayMs: number;
  pool: Pool;
  channels: Channels;
}): (channel: string, request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const fronted = new URL(endpoint.databaseUrl);

  return async (channel, request, response) => {
    if (request.method !== "POST") return sendJson(response, 400, '"query is not supported"');
    const { fault, delayMs } = endpoint.channels.enter(channel);
    if (fault === "refuse") return void request.socket.destroy();

    const signal = whenHungUp(response);
    try {
      const body = await receive(request);
      const delay = endpoint.delayMs + delayMs;
      if (delay > 0) await setTimeout(delay, undefined, { signal });
      if (fault === "hang") return;
      if (fault === "drop-before") return void request.socket.destroy();
      if (fault === "error-500") return send(response, 500, "text/plain", "a fault made on purpose");
      const answer = await answerSql(body, request, fronted, endpoint.pool, signal);
      if (fault === "drop-after") return void request.socket.destroy();
      if (fault === "truncate") return truncate(response, answer);
      sendJson(response, answer.status, answer.body, answer.headers);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  };
}

/** Aborted when the client goes away before it has its answer. */
function whenHungUp(response: ServerResponse): AbortSignal {
  const hangUp = new AbortController();
  response.on("close", () => {
    if (!response.writableFinished) hangUp.abort(new Error("the client hung up"));
  });
  return hangUp.signal;
}

/** Reads the body; what is wrong with it is told when the request's turn comes. */
async function receive(request: IncomingMessage): Promise<() => string> {
  try {
    const body = await readBody(request);
    return () => body;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

async function answerSql(
  body: () => string,
  request: IncomingMessage,
  fronted: URL,
  pool: Pool,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    const credentials = readCredentials(header(request, "neon-connection-string"), fronted);
    const options = readOptions(request);
    const payload = readPayload(body());
    const json = await pool.use(credentials, signal, (client) => execute(client, payload, options, signal));
    return { status: 200, body: json, headers: echoed(payload, options) };
  } catch (error) {
    return failureAnswer(error);
  }
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function readOptions(request: IncomingMessage): RequestOptions {
  // Only "true" is true.
  const flag = (name: string) => header(request, name) === "true";
  return {
    rawText: flag("neon-raw-text-output"),
    arrayMode: flag("neon-array-mode"),
    isolationLevel: readIsolationLevel(header(request, "neon-batch-isolation-level")),
    readOnly: flag("neon-batch-read-only"),
    deferrable: flag("neon-batch-deferrable"),
  };
}

/** The headers of the answer to a batch say what kind of transaction it was. */
function echoed(
  { kind }: Payload,
  { isolationLevel, readOnly, deferrable }: RequestOptions,
): OutgoingHttpHeaders {
  if (kind === "single") return {};
  return {
    ...(readOnly && { "Neon-Batch-Read-Only": "true" }),
    ...(deferrable && { "Neon-Batch-Deferrable": "true" }),
    ...(isolationLevel && { "Neon-Batch-Isolation-Level": isolationLevel }),
  };
}

function truncate(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(body),
  });
  response.write(body.slice(0, body.length / 2), () => response.destroy());
}
