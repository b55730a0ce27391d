import { createServer, type Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { listen } from "../listen.ts";
import { type Backend, openBackend } from "./backend.ts";
import { type Connection, serveConnection } from "./connection.ts";
import { createSessions } from "./session.ts";
import { createTurns, type Turns } from "./turns.ts";
import { errorResponse } from "./wire.ts";

/** What the thread is started with. */
export interface ThreadOptions {
  dataDir: string | undefined;
  port: number;
}

/** What the thread says to the one that started it. */
export type ThreadReport =
  | { kind: "ready"; port: number }
  | { kind: "failed"; code: string | undefined; message: string };

const { dataDir, port } = workerData as ThreadOptions;
const connections = new Set<Connection>();
const report = (message: ThreadReport): void => parentPort?.postMessage(message);

interface Opened {
  backend: Backend;
  turns: Turns;
}

/** PGlite; another one after a crash. */
let opened: Promise<Opened>;
let lastProcessId = 0;

async function open(): Promise<Opened> {
  const backend = await openBackend(dataDir);
  return { backend, turns: createTurns(backend, createSessions(backend), recover) };
}

/** PGlite crashed: ends all connections, as a server does, and starts it again. New connections wait for that. */
function recover(): void {
  const loss = dataDir === undefined ? "; its data, kept in memory, is lost" : "";
  const error = errorResponse("FATAL", "57P02", `the embedded PostgreSQL crashed and starts again${loss}`);
  for (const connection of connections) connection.end(error);
  opened = open();
}

async function accept(socket: Socket): Promise<void> {
  socket.on("error", () => socket.destroy());
  const { backend, turns } = await opened;
  if (socket.destroyed) return;
  lastProcessId += 1;
  const connection = serveConnection(socket, lastProcessId, {
    turns,
    parameters: backend.parameters,
    cancel,
  });
  connections.add(connection);
  socket.on("close", () => connections.delete(connection));
}

function cancel(processId: number, secretKey: number): void {
  for (const connection of connections) {
    if (connection.processId === processId && connection.secretKey === secretKey) connection.cancel();
  }
}

const server = createServer((socket) => void accept(socket));

async function stop(): Promise<void> {
  server.close();
  for (const connection of connections) {
    connection.end(errorResponse("FATAL", "57P01", "terminating connection due to administrator command"));
  }
  const { backend } = await opened;
  await backend.close();
  parentPort?.close();
}

parentPort?.once("message", () => void stop());
try {
  const taken = await listen(server, port, "the embedded PostgreSQL");
  opened = open();
  await opened;
  report({ kind: "ready", port: taken });
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  report({ kind: "failed", code, message });
  server.close();
  parentPort?.close();
}
