import { asProblem, foreign } from "./problem.ts";
import { type CreateOptions, creation } from "./records.ts";
import { type CallOptions, json, type Send } from "./request.ts";
import type { Imported, NewPatient, Patient } from "./types.ts";

const types = { ndjson: "application/x-ndjson", csv: "text/csv" };

/** A form in which many patients are written down: a JSON object a line, or CSV with a header. */
export type Format = keyof typeof types;

/** At most 1,000 patients and 1 MiB: themselves, or written down. */
export type ImportData = readonly NewPatient[] | { ndjson: string } | { csv: string };

export interface ImportOptions extends CreateOptions {
  /** Creates those that are valid and says of the others why not; left out, it is all or none. */
  partial?: boolean | undefined;
}

/** The routes that move many patients. */
export interface Transfer {
  /** All patients, as they arrive. When it ends without throwing, it was all of them. */
  export(options?: CallOptions): AsyncGenerator<Patient, void, undefined>;
  /** The same as it is written down, to be saved. When it ends without an error, it was all of them. */
  exportAs(format: Format, options?: CallOptions): Promise<ReadableStream<Uint8Array>>;
  import(data: ImportData, options?: ImportOptions): Promise<Imported>;
}

export function transfer(send: Send): Transfer {
  const exportAs = async (format: Format, { signal }: CallOptions = {}) =>
    send({
      method: "GET",
      path: "api/patients/export/",
      headers: { Accept: types[format] },
      signal,
      isRepeatable: true,
      // The call itself ends with the headers: what comes after them is ended by the signal here.
      read(response) {
        if (!response.headers.get("Content-Type")?.startsWith(types[format])) throw foreign(response);
        const body = response.body ?? new Blob([]).stream();
        return body.pipeThrough(new TransformStream(), signal ? { signal } : {});
      },
    });

  return {
    exportAs,

    async *export(options) {
      for await (const line of linesOf(await exportAs("ndjson", options), options?.signal)) {
        options?.signal?.throwIfAborted();
        if (line) yield parsed(line);
      }
    },

    async import(data, { partial, ...options } = {}) {
      const [type, body] = written(data);
      const call = creation("api/patients/import/", body, json<Imported>, options);
      return send({ ...call, type, query: { partial: partial || undefined } });
    },
  };
}

function parsed(line: string): Patient {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw asProblem(error);
  }
}

function written(data: ImportData): [type: string, text: string] {
  if ("csv" in data) return [types.csv, data.csv];
  if ("ndjson" in data) return [types.ndjson, data.ndjson];
  return [types.ndjson, data.map((record) => `${JSON.stringify(record)}\n`).join("")];
}

/** The lines of a text. @throws {ProblemError} when it breaks off, or the reason of `signal` */
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
    throw asProblem(error);
  } finally {
    reader.cancel().catch(() => {}); // when it is left before its end, the rest is not to be sent
  }
}
