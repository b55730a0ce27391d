import { connect } from "node:net";
import type pg from "pg";

/**
 * Asks the server to cancel what `client` is running: CancelRequest, on a connection of its own. Without TLS even
 * where the session has it, as libpq's PQcancel does; PostgreSQL reads it before it asks for encryption.
 */
export function requestCancel(client: pg.Client, host: string, port: number): void {
  // pg keeps the key that BackendKeyData brought, but its types do not tell.
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
  const packet = Buffer.alloc(16);
  for (const [index, value] of [16, 80877102, processID, secretKey].entries()) {
    packet.writeInt32BE(value, 4 * index);
  }
  const socket = connect(port, host, () => socket.end(packet));
  socket.on("error", () => socket.destroy());
}
