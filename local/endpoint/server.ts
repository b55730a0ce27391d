import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen } from "../listen.ts";
import { readBody, send, sendJson } from "./body.ts";
import { type Channels, createChannels, readDisturbance } from "./channels.ts";
import { createPool } from "./pool.ts";
import { createSqlHandler } from "./sql.ts";

export interface Endpoint {
  /** `http://127.0.0.1:<port>/sql` */
  url: string;
  stop(): Promise<void>;
}

/** How many connections to PostgreSQL there are at most; further requests wait. Below its usual 100. */
const connectionLimit = 50;
/** How long an unused connection is kept, in milliseconds. */
const idleTime = 10_000;

/**
 * Starts the HTTP endpoint that speaks Neon's protocol in front of one PostgreSQL server.
 *
 * - `POST /sql`, and `POST /channels/<name>/sql`, the same counted apart
 * - `GET`, `PUT` and `DELETE /channels/<name>`: the count, and what is to go wrong on purpose
 *
 * @param databaseUrl `postgres://…`; `sslmode` and the other TLS parameters mean what they mean to libpq
 * @param delayMs milliseconds every SQL request waits first
 * @throws with `code` EADDRINUSE when the port is taken
 */
export async function startEndpoint(options: {
  databaseUrl: string;
  port: number;
  delayMs: number;
}): Promise<Endpoint> {
  const pool = createPool({ databaseUrl: options.databaseUrl, limit: connectionLimit, idleTime });
  const channels = createChannels();
  const handleSql = createSqlHandler({ ...options, pool, channels });

  const server = createServer((request, response) => {
    if (!isLocal(request))
      return send(response, 403, "text/plain", "This is for programs on this machine only.");
    const [path = ""] = (request.url ?? "").split("?");
    const [, name, sql] = path.match(/^\/channels\/([^/]+)(\/sql)?$/) ?? [];
    const channel = path === "/sql" ? "default" : name;
    if (channel !== undefined && (sql || path === "/sql")) void handleSql(channel, request, response);
    else if (channel !== undefined) void handleChannel(channels, channel, request, response);
    else send(response, 400, "application/json", '"query is not supported"');
  });
  const port = await listen(server, options.port, "the SQL endpoint");
  return {
    url: `http://127.0.0.1:${port}/sql`,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await Promise.all([closed, pool.close()]);
    },
  };
}

/**
 * Keeps web pages out: unlike Neon's proxy there are no CORS headers, and the Host must be this machine's own, so that a
 * page cannot reach the developer's database by a name of its own that leads here (DNS rebinding).
 */
function isLocal({ headers }: IncomingMessage): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(headers.host ?? "");
}

async function handleChannel(
  channels: Channels,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    if (request.method === "PUT") channels.disturb(name, readDisturbance(await readBody(request)));
    else if (request.method === "DELETE") channels.forget(name);
    else if (request.method !== "GET") throw new Error(`${request.method} is not among GET, PUT and DELETE`);
    sendJson(response, 200, JSON.stringify({ requests: channels.requests(name) }));
  } catch (error) {
    send(response, 400, "text/plain; charset=utf-8", error instanceof Error ? error.message : String(error));
  }
}
