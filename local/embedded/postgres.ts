import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { account } from "./connection.ts";
import { takeDirectory } from "./directory.ts";
import type { ThreadOptions, ThreadReport } from "./thread.ts";

export interface EmbeddedPostgres {
  /** `postgres://postgres:postgres@127.0.0.1:<port>/postgres` */
  url: string;
  stop(): Promise<void>;
}

/** How long a running statement may hold up the orderly end, in milliseconds. */
const patience = 2_000;

/**
 * Starts PGlite behind a TCP server that speaks PostgreSQL's wire protocol. Both live in a thread of their own: a
 * statement keeps PGlite's thread busy until it is done, and nothing else must wait for that.
 *
 * @param dataDir where the data is kept; in memory when left out
 * @param port the port to listen on, 0 for any free one
 * @throws with `code` EADDRINUSE when the port is taken, and a sentence when `dataDir` cannot be used
 */
export async function startEmbeddedPostgres(options: {
  dataDir: string | undefined;
  port: number;
}): Promise<EmbeddedPostgres> {
  const directory = options.dataDir === undefined ? undefined : takeDirectory(options.dataDir);
  const workerData: ThreadOptions = { dataDir: directory?.path, port: options.port };
  const worker = new Worker(new URL("./thread.ts", import.meta.url), {
    workerData,
    // Deep recursion in a query must meet PostgreSQL's max_stack_depth (2 MB) before it meets the end of V8's
    // stack, which would leave PGlite in ruins. The frames of compiled WebAssembly are larger than PostgreSQL's own.
    resourceLimits: { stackSizeMb: 64 },
  });
  const exited = new Promise((resolve) => worker.once("exit", resolve)).then(() => directory?.release());
  const [report] = (await once(worker, "message")) as [ThreadReport];
  if (report.kind === "failed") {
    await exited;
    throw Object.assign(new Error(report.message), { code: report.code });
  }
  directory?.initialised();
  const { user, password, database } = account;
  return {
    url: `postgres://${user}:${password}@127.0.0.1:${report.port}/${database}`,
    async stop() {
      worker.postMessage("stop");
      // What does not end by itself is in the middle of a statement. Terminating it is like killing the process:
      // what was committed is in the write-ahead log.
      const deadline = setTimeout(() => void worker.terminate(), patience);
      await exited;
      clearTimeout(deadline);
    },
  };
}
