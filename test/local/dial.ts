import { connect, type Socket } from "node:net";

/** A raw connection to a server, with all it received so far. */
export interface RawConnection {
  socket: Socket;
  received(): Buffer;
  closed: Promise<unknown>;
}

/** Opens a TCP connection to the host and port of `url`. */
export async function dial(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.on("close", resolve));
  await new Promise((resolve) => socket.on("connect", resolve));
  return { socket, received: () => Buffer.concat(chunks), closed };
}
