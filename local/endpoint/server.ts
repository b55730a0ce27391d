import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type Connections, createConnections, Refusal } from "./connections.ts";
import { createChannels, disturbed } from "./faults.ts";
import { type Answer, answerSql, failureAnswer, SIZE_LIMIT } from "./sql.ts";

export interface Endpoint {
  /** `http://127.0.0.1:<port>/sql` */
  url: string;
  /**
   * Has SQL requests, which wait until then, go to a PostgreSQL. To be called once.
   *
   * @param databaseUrl `postgres://…`; `sslmode` and the other TLS parameters mean what they mean to libpq
   */
  front(databaseUrl: string): void;
  /** Ends everything at once, also what is still running. */
  stop(): Promise<void>;
}

/**
 * Opens an HTTP endpoint that speaks Neon's protocol:
 *
 * - `POST /sql`, and `POST /channels/<name>/sql`, the same counted apart
 * - `GET`, `PUT` and `DELETE /channels/<name>`: the count, and what is to go wrong on purpose
 *
 * @param port on 127.0.0.1; 0 for any free one
 * @throws an error whose `code` is EADDRINUSE when the port is taken
 */
export async function openEndpoint(port: number): Promise<Endpoint> {
  const fronted = Promise.withResolvers<Connections>();
  const channels = createChannels();
  let connections: Connections | undefined;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, headers, url = "" } = request;
    if (!localHost.test(headers.host ?? ""))
      throw new Refusal(403, "this is for programs on this machine only");
    const [path, channel = "default", sql] = /^(?:\/channels\/([^/?]+))?(\/sql)?(?=\?|$)/.exec(url) ?? [];
    if (!path || (sql && method !== "POST")) throw new Refusal(400, "query is not supported");
    if (!sql) return send(response, channels.answer(channel, method, await readBody(request)));
    const signal = whenHungUp(response);
    const run = async (body: string) => answerSql(headers, body, await fronted.promise, signal);
    const { answer, isCut } = await disturbed(channels.enter(channel), () => readBody(request), run, signal);
    if (answer) send(response, answer, isCut);
    else response.destroy();
  }

  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => send(response, failureAnswer(error)));
  });
  // A Worker that uses a connection again just when it is closed for idleness would take that for a failure.
  server.keepAliveTimeout = 10 * 60_000;
  return {
    url: `http://127.0.0.1:${await listen(server, port)}/sql`,
    front(databaseUrl) {
      connections = createConnections(databaseUrl);
      fronted.resolve(connections);
    },
    async stop() {
      const closed = once(server.close(), "close");
      server.closeAllConnections();
      await Promise.all([closed, connections?.end()]);
    },
  };
}

/**
 * Keeps web pages out: unlike Neon's proxy there are no CORS headers, and the Host must be this machine's own, so that a
 * page cannot reach the developer's database by a name of its own that leads here (DNS rebinding).
 */
const localHost = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/;

/** Aborted when the client goes away before it has its answer. */
function whenHungUp(response: ServerResponse): AbortSignal {
  const hangUp = new AbortController();
  response.on("close", () => {
    if (!response.writableFinished) hangUp.abort(new Error("the client hung up"));
  });
  return hangUp.signal;
}

/**
 * Reads a request's body as text.
 *
 * @throws Refusal when it is too large, once it has come to its end: before that, the client would not see the answer
 */
async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= SIZE_LIMIT) chunks.push(chunk);
  }
  if (length > SIZE_LIMIT) throw new Refusal(413, `request is too large (max is ${SIZE_LIMIT} bytes)`);
  return Buffer.concat(chunks).toString();
}

/** Sends an answer, or half of its body and closes the socket; nothing to a client that hung up. */
function send(response: ServerResponse, { status, body, headers }: Answer, isCut = false): void {
  if (response.destroyed) return;
  const length = Buffer.byteLength(body);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": length, ...headers });
  if (isCut) response.write(body.slice(0, body.length / 2), () => response.destroy());
  else response.end(body);
}

/** Lets `server` listen on 127.0.0.1 and gives back the port it got. */
async function listen(server: Server, port: number): Promise<number> {
  await once(server.listen(port, "127.0.0.1"), "listening").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EADDRINUSE")
      error.message = `Port ${port} of 127.0.0.1, wanted for the SQL endpoint, is in use by another program`;
    throw error;
  });
  const address = server.address();
  return typeof address === "object" && address ? address.port : port;
}
