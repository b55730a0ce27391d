import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { findFreePort, isFree, listenFrom } from "../../local/ports.ts";

/** Uses a port until the test is finished. @returns the port */
async function occupyPort(host: string): Promise<number> {
  const server = createServer();
  await once(server.listen(0, host), "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

const portInUse = (port: number) => Object.assign(new Error(`${port} is in use`), { code: "EADDRINUSE" });

test("listenFrom tries every second port until one is free", async () => {
  const attempts: number[] = [];
  const result = await listenFrom(5488, async (port) => {
    attempts.push(port);
    if (port < 5492) throw portInUse(port);
    return `listening on ${port}`;
  });
  expect(result).toBe("listening on 5492");
  expect(attempts).toEqual([5488, 5490, 5492]);
});

test("listenFrom throws another error at once", async () => {
  let attempts = 0;
  const failing = listenFrom(5488, async () => {
    attempts += 1;
    throw new Error("the folder is not ours");
  });
  await expect(failing).rejects.toThrow("the folder is not ours");
  expect(attempts).toBe(1);
});

test("listenFrom gives up after 50 more ports and throws the last error", async () => {
  const failing = listenFrom(5488, (port) => Promise.reject(portInUse(port)));
  await expect(failing).rejects.toThrow("5588 is in use");
});

test("a port in use on 127.0.0.1 is not free, and findFreePort returns a later one", async () => {
  const port = await occupyPort("127.0.0.1");
  expect(await isFree(port)).toBe(false);
  expect(await findFreePort(port)).toBeGreaterThan(port);
});
