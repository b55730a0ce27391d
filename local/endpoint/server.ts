import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type Connections, createConnections, EndpointError } from "./connections.ts";
import { answerWithFault, createChannels } from "./faults.ts";
import { answerSql, type EndpointResponse, failureResponse, SIZE_LIMIT } from "./sql.ts";

interface Endpoint {
  /** `http://127.0.0.1:<port>/sql` */
  url: string;
  /**
   * Sets the PostgreSQL that SQL requests go to. Until then they wait. Call it once.
   *
   * @param databaseUrl `postgres://…`; `sslmode` and the other TLS parameters mean what they mean to libpq
   */
  front(databaseUrl: string): void;
  /** Ends all requests and connections at once, also those with a running statement. */
  stop(): Promise<void>;
}

/**
 * Opens the local Neon endpoint, an HTTP server with Neon's protocol:
 *
 * - `POST /sql`, and `POST /channels/<name>/sql`, which is counted separately
 * - `GET`, `PUT` and `DELETE /channels/<name>`: the count, and the faults to inject
 *
 * @param port on 127.0.0.1; 0 for any free port
 * @throws an error whose `code` is EADDRINUSE when the port is in use
 */
export async function openEndpoint(port: number): Promise<Endpoint> {
  const database = Promise.withResolvers<Connections>();
  const channels = createChannels();
  let connections: Connections | undefined;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, headers, url = "" } = request;
    if (!localHost.test(headers.host ?? ""))
      throw new EndpointError(403, "only programs on this machine may use this endpoint");
    const [path, channel = "default", sql] = /^(?:\/channels\/([^/?]+))?(\/sql)?(?=\?|$)/.exec(url) ?? [];
    if (!path || (sql && method !== "POST")) throw new EndpointError(400, "query is not supported");
    if (!sql) return send(response, channels.answer(channel, method, await readBody(request)));
    const signal = hangUpSignal(response);
    const run = async (body: string) => answerSql(headers, body, await database.promise, signal);
    const { answer, isCut } = await answerWithFault(
      channels.countRequest(channel),
      () => readBody(request),
      run,
      signal,
    );
    if (answer) send(response, answer, isCut);
    else response.destroy();
  }

  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => send(response, failureResponse(error)));
  });
  // Long, because a Worker that reuses a connection at the instant it is closed as idle gets an error.
  server.keepAliveTimeout = 10 * 60_000;
  return {
    url: `http://127.0.0.1:${await listen(server, port)}/sql`,
    front(databaseUrl) {
      connections = createConnections(databaseUrl);
      database.resolve(connections);
    },
    async stop() {
      const closed = once(server.close(), "close");
      server.closeAllConnections();
      await Promise.all([closed, connections?.end()]);
    },
  };
}

/**
 * Keeps web pages away from the developer's database. Unlike Neon's proxy the endpoint sends no CORS headers, and the
 * Host header must name this machine, so a page cannot use a DNS name that leads here (DNS rebinding).
 */
const localHost = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/;

/** A signal that is aborted when the client disconnects before it has the response. */
function hangUpSignal(response: ServerResponse): AbortSignal {
  const hangUp = new AbortController();
  response.on("close", () => {
    if (!response.writableFinished) hangUp.abort(new Error("the client hung up"));
  });
  return hangUp.signal;
}

/**
 * Reads a request's body as text.
 *
 * @throws EndpointError when it is too large, but only after the whole body: a client that still sends would not see
 *   the response
 */
async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= SIZE_LIMIT) chunks.push(chunk);
  }
  if (length > SIZE_LIMIT) throw new EndpointError(413, `request is too large (max is ${SIZE_LIMIT} bytes)`);
  return Buffer.concat(chunks).toString();
}

/** Sends a response. With `isCut` it sends half of the body and closes the socket. */
function send(response: ServerResponse, { status, body, headers }: EndpointResponse, isCut = false): void {
  if (response.destroyed) return;
  const length = Buffer.byteLength(body);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": length, ...headers });
  if (isCut) response.write(body.slice(0, body.length / 2), () => response.destroy());
  else response.end(body);
}

/** Lets `server` listen on 127.0.0.1. @returns its port */
async function listen(server: Server, port: number): Promise<number> {
  await once(server.listen(port, "127.0.0.1"), "listening").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EADDRINUSE")
      error.message = `Port ${port} of 127.0.0.1, wanted for the SQL endpoint, is in use by another program`;
    throw error;
  });
  const address = server.address();
  return typeof address === "object" && address ? address.port : port;
}
