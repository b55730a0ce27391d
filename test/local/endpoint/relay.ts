import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { changeOwnerUrl, ownerUrl } from "./support.ts";

/** Lets a server listen until the test is finished, and returns its port. */
export async function portOf(server: Server): Promise<string> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  return String(typeof address === "object" && address?.port);
}

/**
 * A relay to PostgreSQL.
 *
 * @returns the owner's URL for it; the sockets of its clients; and the types of all messages that have passed, the
 *   first of each client excepted, which has no type
 */
export async function openRelay() {
  const { hostname, port } = new URL(ownerUrl);
  const sockets: Socket[] = [];
  const messages: string[] = [];
  const relay = createServer((socket) => {
    const database = connect(Number(port || 5432), hostname);
    listTypes(socket, messages, 1);
    listTypes(database, messages, 0);
    socket.pipe(database).pipe(socket);
    // An error is followed by "close".
    socket.on("error", () => {}).on("close", () => database.destroy());
    database.on("error", () => {}).on("close", () => socket.destroy());
    sockets.push(socket);
  });
  return { url: changeOwnerUrl({ port: await portOf(relay) }), sockets, messages };
}

/** Adds the type of each message that comes from `socket` to `types`. The first `untyped` messages have none. */
function listTypes(socket: Socket, types: string[], untyped: number): void {
  let left = untyped;
  let received = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    received = Buffer.concat([received, chunk]);
    for (;;) {
      const start = left > 0 ? 0 : 1;
      const end =
        received.length < start + 4 ? Number.POSITIVE_INFINITY : start + received.readInt32BE(start);
      if (end > received.length) return;
      if (start) types.push(received.toString("latin1", 0, 1));
      left -= 1;
      received = received.subarray(end);
    }
  });
}
