import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";

/**
 * What befalls a request on its way: an answer of somebody between; the socket closed before the API gets to see it, after
 * it has answered, or in the middle of its answer; or nothing, for ever, before the API gets to see it or after.
 */
export type Mishap =
  | { status: number; headers?: Record<string, string>; body?: string }
  | "drop-before"
  | "drop-after"
  | "truncate"
  | "hang"
  | "hang-after";

/** What a gateway answers that does not reach the API. */
export const badGateway = {
  status: 502,
  headers: { "Content-Type": "text/html" },
  body: "<h1>Bad Gateway</h1>",
};

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
  const chosen: { befalls: (request: Seen) => boolean; mishap: Mishap }[] = [];
  let trouble = (_: Seen): Mishap | "pass" => "pass";
  const mishapOf = (request: Seen): Mishap | "pass" => {
    const [next] = chosen.splice(chosen.findIndex(({ befalls }) => befalls(request)) >>> 0, 1);
    return next?.mishap ?? mishaps.shift() ?? trouble(request);
  };
  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = request;
    const body = await text(request);
    const one = { line: `${method} ${url}`, headers, body, at: performance.now() };
    seen.push(one);
    const mishap = mishapOf(one);
    if (mishap === "hang") return;
    if (mishap === "drop-before") return void response.destroy();
    if (typeof mishap === "object")
      return void response.writeHead(mishap.status, mishap.headers).end(mishap.body);
    const answer = await forward(target + url, method, headers, body);
    if (mishap === "drop-after") return void response.destroy();
    if (mishap === "hang-after") return;
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
    /** Has something happen to the next request that is such a one. */
    befallNext: (befalls: (request: Seen) => boolean, mishap: Mishap) =>
      void chosen.push({ befalls, mishap }),
    /** Has something happen, or not, to each request from now on, when nothing else is to happen to it. */
    befallEach(choose: (request: Seen) => Mishap | "pass") {
      trouble = choose;
    },
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
