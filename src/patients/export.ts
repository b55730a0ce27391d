import { createFactory } from "hono/factory";
import { classifyDatabaseError } from "../db/errors.ts";
import type { Caller } from "../db/query/caller.ts";
import type { AuthenticatedEnv } from "../http/context.ts";
import { logFailure } from "../http/error-handler.ts";
import { requireClinicRole } from "../http/problems.ts";
import { limitImportsAndExports } from "../http/rate-limits.ts";
import { negotiateMediaType } from "../http/respond.ts";
import { validate } from "../http/validation.ts";
import { exportedColumns } from "./csv-columns.ts";
import { exportAsCsv, exportAsNdjson } from "./export-queries.ts";
import { ExportQuery } from "./requests.ts";

/**
 * How many patients one statement returns: few enough for the Worker's memory, and for its limit of 1,000
 * subrequests.
 */
const BATCH_SIZE = 1000;

const formats = {
  "application/x-ndjson": {
    contentType: "application/x-ndjson",
    filename: "patients.ndjson",
    byteOrderMark: "",
    header: "",
    readBatch: exportAsNdjson,
  },
  "text/csv": {
    contentType: "text/csv; charset=utf-8; header=present",
    filename: "patients.csv",
    // Without it Excel reads the file as Windows-1252.
    byteOrderMark: "\ufeff",
    header: `${exportedColumns.join(",")}\r\n`,
    readBatch: exportAsCsv,
  },
};

/**
 * `GET /export`: streams all of the caller's patients, batch by batch. The statement of each batch checks the caller
 * again. When one fails, the connection is aborted: a response that ends normally is complete. `HEAD` needs no statement:
 * its headers are the same for everybody, and no patient is read.
 */
export const exportHandlers = createFactory<AuthenticatedEnv>().createHandlers(
  limitImportsAndExports,
  validate("query", ExportQuery),
  async (c) => {
    const format = formats[negotiateMediaType(c, ["application/x-ndjson", "text/csv"])];
    const headers = {
      "Content-Type": format.contentType,
      "Content-Disposition": `attachment; filename="${format.filename}"`,
    };
    if (c.req.method === "HEAD") return c.body(null, 200, headers);
    const caller = c.get("caller");
    // Before the response begins, so that a refused caller or a failing database gets an error status.
    const firstBatch = await format.readBatch(caller, { after: 0, size: BATCH_SIZE });
    requireClinicRole(firstBatch.isAllowed);
    const { bom = true } = c.req.valid("query");
    const start = (bom ? format.byteOrderMark : "") + format.header;
    return c.body(streamOf(encodeBatches(caller, format, start, firstBatch)), 200, headers);
  },
);

type Format = (typeof formats)[keyof typeof formats];
type Batch = Awaited<ReturnType<Format["readBatch"]>>;

async function* encodeBatches(caller: Caller, { readBatch }: Format, start: string, firstBatch: Batch) {
  const encoder = new TextEncoder();
  yield encoder.encode(start + (firstBatch.lines ?? ""));
  try {
    for (let { next } = firstBatch; next !== null; ) {
      const batch = await readBatch(caller, { after: next, size: BATCH_SIZE });
      if (batch.lines !== null) yield encoder.encode(batch.lines);
      next = batch.next;
    }
  } catch (error) {
    const fault = classifyDatabaseError(error);
    const code = fault && "code" in fault ? { code: fault.code } : {};
    logFailure(caller.origin.request_id, { error: "export interrupted", ...code });
    // A new error, because the runtime logs it and the database's holds values of the statement.
    throw new Error("The export was interrupted.");
  }
}

/** A stream that takes the next chunk from a generator when the client is ready for it. */
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
