import type { AddressInfo, Server } from "node:net";

/**
 * Lets `server` listen on 127.0.0.1 and gives back the port it got.
 *
 * @param port the port to take, 0 for any free one
 * @param what what wants the port, for the message: "the endpoint"
 * @throws an error whose `code` is the system's (EADDRINUSE when the port is taken) and whose message names
 *   the port and what wanted it
 */
export function listen(server: Server, port: number, what: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === "EADDRINUSE" ? "is in use by another program" : `failed: ${error.message}`;
      const message = `Port ${port} of 127.0.0.1, wanted for ${what}, ${reason}`;
      reject(Object.assign(new Error(message, { cause: error }), { code: error.code }));
    });
    server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}
