import { once } from "node:events";
import { createServer } from "node:net";

/** How many ports are tried, from the preferred one on. */
const ATTEMPTS = 50;

/** PostgreSQL's ports are even and the endpoint's odd: 5488 and 5489, 5490 and 5491, … */
const STEP = 2;

/**
 * Calls `listen` with `first`, `first + 2`, `first + 4` … until one of these ports is free.
 *
 * @param listen fails with the code EADDRINUSE when another program has the port
 * @returns what `listen` returns
 */
export async function listenFrom<Server>(
  first: number,
  listen: (port: number) => Promise<Server>,
): Promise<Server> {
  for (let port = first; ; port += STEP) {
    try {
      return await listen(port);
    } catch (error) {
      if (Object(error).code !== "EADDRINUSE" || port >= first + STEP * ATTEMPTS) throw error;
    }
  }
}

/** The first port from `first` on that no program uses on this machine's loopback addresses. */
export async function findFreePort(first: number): Promise<number> {
  for (let port = first; port < first + ATTEMPTS; port += 1) if (await isFree(port)) return port;
  throw new Error(`The ports ${first} to ${first + ATTEMPTS - 1} are all in use.`);
}

/** Whether no program uses a port, on any of the addresses of `localhost`. */
export async function isFree(port: number): Promise<boolean> {
  return (await isFreeOn("127.0.0.1", port)) && (await isFreeOn("::1", port));
}

/** Also true where there is no such address, as without IPv6. */
async function isFreeOn(host: string, port: number): Promise<boolean> {
  const probe = createServer();
  try {
    await once(probe.listen(port, host), "listening");
  } catch (error) {
    return Object(error).code !== "EADDRINUSE";
  }
  await once(probe.close(), "close");
  return true;
}
