import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";

/**
 * What befalls a request on its way: an answer of somebody between; the socket closed before the API gets to see it, after
 * it has answered, or in the middle of its answer; or nothing, for ever.
 */
export type Mishap =
  | { status: number; headers?: Record<string, string>; body?: string }
  | "drop-before"
  | "drop-after"
  | "truncate"
  | "hang";

/** A request as it arrived. */
export interface Seen {
  /** Method and path: `GET /api/patients/7/`. */
  line: string;
  headers: IncomingMessage["headers"];
  body: string;
  /** Milliseconds since the test process started. */
  at: number;
}

/** A gateway between the client and the API, for the running test: it sees what is sent, and mishaps befall it in order. */
export async function openFront(target: string, ...mishaps: (Mishap | "pass")[]) {
  const seen: Seen[] = [];
  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const mishap = mishaps.shift() ?? "pass";
    const { method = "", url = "", headers } = request;
    const body = await text(request);
    seen.push({ line: `${method} ${url}`, headers, body, at: performance.now() });
    if (mishap === "hang") return;
    if (mishap === "drop-before") return void response.destroy();
    if (typeof mishap === "object")
      return void response.writeHead(mishap.status, mishap.headers).end(mishap.body);
    const answer = await forward(target + url, method, headers, body);
    if (mishap === "drop-after") return void response.destroy();
    response.writeHead(answer.status, { ...answer.headers, "Content-Length": answer.body.length });
    if (mishap !== "truncate") return void response.end(answer.body);
    response.write(answer.body.subarray(0, answer.body.length / 2), () => response.destroy());
  }
  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    /** What befalls the next requests; after those, nothing. */
    befall: (...next: Mishap[]) => void mishaps.push(...next),
  };
}

async function forward(url: string, method: string, given: IncomingMessage["headers"], body: string) {
  const { host: _, connection: __, "content-length": ___, ...headers } = given;
  const init = { method, headers: headers as Record<string, string>, ...(body && { body }) };
  const response = await fetch(url, init);
  const passed = [...response.headers].filter(
    ([name]) => !/^(content|transfer)-(encoding|length)$/.test(name),
  );
  return {
    status: response.status,
    headers: Object.fromEntries(passed),
    body: Buffer.from(await response.arrayBuffer()),
  };
}
