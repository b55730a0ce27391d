/**
 * The local Neon endpoint in a process of its own, so that its CPU time is not mixed with the benchmark's. It
 * forwards to the server of `POSTGRES_URL`. It sends its parent a message with its URL when it is ready, and answers
 * every message with the number of bytes that it has sent so far.
 */
import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { openEndpoint } from "../local/endpoint/server.ts";

let bytes = 0;
const countedBytes = new WeakMap<Socket, number>();
subscribe("http.server.response.finish", (message) => {
  const { socket } = message as { socket: Socket };
  bytes += socket.bytesWritten - (countedBytes.get(socket) ?? 0);
  countedBytes.set(socket, socket.bytesWritten);
});

const endpoint = await openEndpoint(0);
endpoint.front(process.env["POSTGRES_URL"] ?? "");
process.on("message", () => process.send?.({ bytes }));
// The parent has ended, or does not need the endpoint any more.
process.on("disconnect", () => void endpoint.stop().finally(() => process.exit()));
process.send?.({ url: endpoint.url });
