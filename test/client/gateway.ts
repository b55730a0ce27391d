import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";

/**
 * What the gateway does to a request instead of passing it on:
 * - an object: it answers itself, and the API never sees the request
 * - `drop-before`: it closes the socket, and the API never sees the request
 * - `drop-after`: it closes the socket after the API has answered
 * - `truncate`: it closes the socket in the middle of the API's answer
 * - `hang`: it never answers, and the API never sees the request
 * - `hang-after`: the API answers, and the gateway never passes the answer on
 */
export type Fault =
  | { status: number; headers?: Record<string, string>; body?: string }
  | "drop-before"
  | "drop-after"
  | "truncate"
  | "hang"
  | "hang-after";

/** The answer of a gateway that cannot reach the API. */
export const badGateway = {
  status: 502,
  headers: { "Content-Type": "text/html" },
  body: "<h1>Bad Gateway</h1>",
};

/** A request as the gateway received it. */
interface GatewayRequest {
  /** Method and path: `GET /api/patients/7/`. */
  line: string;
  headers: IncomingMessage["headers"];
  body: string;
  /** The `Retry-After` of the API's answer, as soon as there is an answer that has one. */
  retryAfter?: string | undefined;
}

/**
 * `received`: before the API sees the request. `processed`: the API has answered. `answered`: the client has the
 * answer.
 */
export type Phase = "received" | "processed" | "answered";

type IsMatch = (request: GatewayRequest) => boolean;

/**
 * Opens a gateway between the client and the API at `target`, for the running test. It applies `faults` to the
 * requests in the order in which they arrive.
 */
export async function openGateway(target: string, ...faults: (Fault | "pass")[]) {
  const requests: GatewayRequest[] = [];
  const nextFaults: { isMatch: IsMatch; fault: Fault }[] = [];
  const phases = new EventEmitter<{ phase: [Phase, GatewayRequest] }>();
  let chooseFault = (_: GatewayRequest): Fault | "pass" => "pass";
  let isRetryAfterZero = false;

  function faultOf(request: GatewayRequest): Fault | "pass" {
    const index = nextFaults.findIndex(({ isMatch }) => isMatch(request));
    if (index >= 0) return nextFaults.splice(index, 1)[0]?.fault ?? "pass";
    return faults.shift() ?? chooseFault(request);
  }

  async function respond(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = message;
    const body = await text(message);
    const request: GatewayRequest = { line: `${method} ${url}`, headers, body };
    requests.push(request);
    phases.emit("phase", "received", request);
    const fault = faultOf(request);
    if (fault === "hang") return;
    if (fault === "drop-before") return void response.destroy();
    if (typeof fault === "object")
      return void response.writeHead(fault.status, fault.headers).end(fault.body);
    const answer = await forward(target + url, method, headers, body);
    request.retryAfter = answer.headers["retry-after"];
    if (isRetryAfterZero && request.retryAfter) answer.headers["retry-after"] = "0";
    phases.emit("phase", "processed", request);
    if (fault === "drop-after") return void response.destroy();
    if (fault === "hang-after") return;
    response.writeHead(answer.status, { ...answer.headers, "Content-Length": answer.body.length });
    if (fault === "truncate")
      return void response.write(answer.body.subarray(0, answer.body.length / 2), () => response.destroy());
    response.end(answer.body, () => phases.emit("phase", "answered", request));
  }

  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** All requests so far, in the order in which they arrived. */
    requests,
    /** Applies `fault` to the next request that matches. */
    failNext: (isMatch: IsMatch, fault: Fault) => void nextFaults.push({ isMatch, fault }),
    /** Chooses the fault of every request to which no other fault applies. */
    chooseFaults(choose: typeof chooseFault) {
      chooseFault = choose;
    },
    /** Replaces `Retry-After` by 0 in the API's answers, so that a test does not wait for it. */
    zeroRetryAfter() {
      isRetryAfterZero = true;
    },
    /** Resolves when a request that matches reaches `phase`, from now on. */
    reached: (phase: Phase, isMatch: IsMatch = () => true) =>
      new Promise<void>((resolve) => {
        phases.on("phase", function check(reachedPhase, request) {
          if (reachedPhase !== phase || !isMatch(request)) return;
          phases.off("phase", check);
          resolve();
        });
      }),
  };
}

async function forward(url: string, method: string, received: IncomingMessage["headers"], body: string) {
  const { host: _, connection: __, "content-length": ___, ...headers } = received;
  const init = { method, headers: headers as Record<string, string>, ...(body && { body }) };
  const response = await fetch(url, init);
  const passedOn = [...response.headers].filter(
    ([name]) => !/^(content|transfer)-(encoding|length)$/.test(name),
  );
  return {
    status: response.status,
    headers: Object.fromEntries(passedOn),
    body: Buffer.from(await response.arrayBuffer()),
  };
}
