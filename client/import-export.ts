import { toProblem, unexpectedResponse } from "./problem.ts";
import { type CreateOptions, createCall } from "./records.ts";
import type { CallOptions, Send } from "./request.ts";
import { readJson } from "./response.ts";
import type { Imported, NewPatient, Patient } from "./types.ts";

const mediaTypes = { ndjson: "application/x-ndjson", csv: "text/csv" };

/** A text format for many patients: `ndjson` has one JSON object a line, `csv` has a header line. */
export type Format = keyof typeof mediaTypes;

/** At most 1,000 patients and 1 MiB: objects, or a text in one of the formats. */
export type ImportData = readonly NewPatient[] | { ndjson: string } | { csv: string };

export interface ImportOptions extends CreateOptions {
  /** Creates the valid patients and reports the others. By default an invalid one makes the whole import fail. */
  partial?: boolean | undefined;
}

export interface ExportOptions extends CallOptions {
  /** `false`: CSV without a byte order mark. By default it has one, because Excel needs it to read UTF-8. */
  bom?: boolean | undefined;
}

/** The routes for many patients at once. Every method throws a `ProblemError` when it fails. */
export interface ImportExport {
  /** Yields all patients while they arrive. If it ends without throwing, they were all. */
  export(options?: CallOptions): AsyncGenerator<Patient, void, undefined>;
  /** Returns all patients as a text, to be saved. If the stream ends without an error, they were all. */
  exportAs(format: Format, options?: ExportOptions): Promise<ReadableStream<Uint8Array>>;
  /** Creates patients. Returns the line (from 1) and id of each, and with `partial` the errors of the others. */
  import(data: ImportData, options?: ImportOptions): Promise<Imported>;
}

/** The methods `export`, `exportAs` and `import` of patients. */
export function importExportMethods(send: Send): ImportExport {
  const exportAs = async (format: Format, { bom, ...options }: ExportOptions = {}) =>
    send({
      method: "GET",
      path: "api/patients/export/",
      query: { bom },
      headers: { Accept: mediaTypes[format] },
      options,
      isIdempotent: true,
      // The call ends when the headers have arrived. The signal given here ends the body.
      read(response) {
        if (!response.headers.get("Content-Type")?.startsWith(mediaTypes[format]))
          throw unexpectedResponse(response);
        const body = response.body ?? new Blob([]).stream();
        return body.pipeThrough(new TransformStream(), options.signal ? { signal: options.signal } : {});
      },
    });

  return {
    exportAs,

    async *export(options) {
      for await (const line of linesOf(await exportAs("ndjson", options), options?.signal)) {
        options?.signal?.throwIfAborted();
        if (line) yield parsePatient(line);
      }
    },

    async import(data, { partial, ...options } = {}) {
      const [type, body] = textOf(data);
      const call = createCall("api/patients/import/", body, readJson<Imported>, options);
      return send({ ...call, type, query: { partial: partial || undefined } });
    },
  };
}

function parsePatient(line: string): Patient {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw toProblem(error);
  }
}

function textOf(data: ImportData): [mediaType: string, text: string] {
  if ("csv" in data) return [mediaTypes.csv, data.csv];
  if ("ndjson" in data) return [mediaTypes.ndjson, data.ndjson];
  return [mediaTypes.ndjson, data.map((record) => `${JSON.stringify(record)}\n`).join("")];
}

/** Yields the lines of a text. @throws {ProblemError} when the stream breaks off; or the reason of `signal` */
async function* linesOf(body: ReadableStream<Uint8Array>, signal: AbortSignal | undefined) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const lines = (rest + decoder.decode(value, { stream: !done })).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
      if (done) break;
    }
    yield rest;
  } catch (error) {
    signal?.throwIfAborted();
    throw toProblem(error);
  } finally {
    reader.cancel().catch(() => {}); // if the caller stops early, the API need not send the rest
  }
}
