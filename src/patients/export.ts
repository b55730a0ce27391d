import { createFactory } from "hono/factory";
import type { GuardedEnv } from "../auth/require-account.ts";
import { databaseFault } from "../db/errors.ts";
import { logFailure } from "../http/log.ts";
import { negotiate } from "../http/negotiate.ts";
import { exportAsCsv, exportAsNdjson } from "./queries.ts";
import { shownFields } from "./requests.ts";

/** How many patients a statement gives: few enough for the Worker's memory, and for its thousand requests a request. */
const PAGE = 1000;

const formats = {
  "application/x-ndjson": {
    type: "application/x-ndjson",
    name: "patients.ndjson",
    head: "",
    read: exportAsNdjson,
  },
  "text/csv": {
    type: "text/csv; charset=utf-8; header=present",
    name: "patients.csv",
    head: `${shownFields.join(",")}\r\n`,
    read: exportAsCsv,
  },
};

/**
 * Streams all of the caller's patients, page by page, each by a statement of its own that checks the caller again. When one
 * fails, the answer breaks off: one that ends as it should is whole.
 */
export const exportPatients = createFactory<GuardedEnv>().createHandlers(async (c) => {
  const { type, name, head, read } = formats[negotiate(c, ["application/x-ndjson", "text/csv"])];
  const caller = c.get("caller");
  const first = await read(caller, { after: 0, size: PAGE });
  const encoder = new TextEncoder();
  async function* pages() {
    yield encoder.encode(head + (first.lines ?? ""));
    try {
      for (let { next } = first; next !== null; ) {
        const page = await read(caller, { after: next, size: PAGE });
        if (page.lines !== null) yield encoder.encode(page.lines);
        next = page.next;
      }
    } catch (error) {
      const fault = databaseFault(error);
      logFailure(caller.origin.request_id, {
        error: "an export broke off",
        ...(fault && "code" in fault && { code: fault.code }),
      });
      // Whoever reads the stream is told, and so is the runtime's own log: not by the error of a statement, which has its values.
      throw new Error("The export broke off.");
    }
  }
  return c.body(streamOf(pages()), 200, {
    "Content-Type": type,
    "Content-Disposition": `attachment; filename="${name}"`,
  });
});

/** What a generator yields, taken from it as it is asked for. */
const streamOf = (chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> =>
  new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await chunks.return(undefined);
    },
  });
