/**
 * The local SQL endpoint in a process of its own, so that its CPU is told apart from the bench's, in front of
 * `POSTGRES_URL`. Says where it is when it is up, and answers every message with the bytes it has sent so far.
 */
import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { openEndpoint } from "../local/endpoint/server.ts";

let bytes = 0;
const counted = new WeakMap<Socket, number>();
subscribe("http.server.response.finish", (message) => {
  const { socket } = message as { socket: Socket };
  bytes += socket.bytesWritten - (counted.get(socket) ?? 0);
  counted.set(socket, socket.bytesWritten);
});

const endpoint = await openEndpoint(0);
endpoint.front(process.env["POSTGRES_URL"] ?? "");
process.on("message", () => process.send?.({ bytes }));
// Whoever started it is gone, or has no more use for it.
process.on("disconnect", () => void endpoint.stop().finally(() => process.exit()));
process.send?.({ url: endpoint.url });
