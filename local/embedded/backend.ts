import { PGlite } from "@electric-sql/pglite";
import { createReader, type Message, message, messages, query, strings, text } from "./wire.ts";

/** What became of an exchange. */
export interface Outcome {
  /** ReadyForQuery's status, the last one; none when the exchange ended without one. */
  status: string | undefined;
  /** The command tags of what was completed: `SELECT 1`, `DISCARD ALL`. */
  tags: string[];
}

/** PGlite as the one backend it is: wire messages in, wire messages out. */
export interface Backend {
  /** What PostgreSQL reports of itself when a session begins: `server_version`, `TimeZone` … */
  parameters: ReadonlyMap<string, string>;
  /**
   * Runs whole messages and hands on what PostgreSQL answers. PGlite is busy, and so is this thread, until it
   * returns: it has no way to interrupt a statement (0.5.14 delivers no signals, so neither `pg_cancel_backend`
   * nor `statement_timeout` work in it either).
   */
  run(request: Buffer, answer?: (bytes: Buffer) => void): Outcome;
  /** Runs one statement and gives back its answer's messages. */
  ask(sql: string): Message[];
  close(): Promise<void>;
}

/** Starts PGlite on `dataDir`, or in memory when that is left out. */
export async function openBackend(dataDir: string | undefined): Promise<Backend> {
  const pglite = await PGlite.create(dataDir === undefined ? {} : { dataDir });

  function run(request: Buffer, answer: (bytes: Buffer) => void = () => {}): Outcome {
    const outcome: Outcome = { status: undefined, tags: [] };
    const reader = createReader();
    const onRawData = (view: Uint8Array): void => {
      const bytes = Buffer.from(view); // A copy: the view is PGlite's memory, and it will write there again.
      reader.push(bytes);
      for (let next = reader.message(); next; next = reader.message()) note(outcome, next);
      answer(bytes);
    };
    // The work is done when this returns; its promise is about a file system that has to be synchronised, which
    // neither memory nor Node's file system has.
    pglite.execProtocolRawStream(request, { onRawData, syncToFs: false }).catch(() => {});
    return outcome;
  }

  function ask(sql: string): Message[] {
    const answers: Buffer[] = [];
    run(query(sql), (bytes) => answers.push(bytes));
    return [...messages(Buffer.concat(answers))];
  }

  return { parameters: await startReporting(pglite), run, ask, close: () => pglite.close() };
}

function note(outcome: Outcome, { type, bytes }: Message): void {
  if (type === "Z") outcome.status = bytes.toString("latin1", 5, 6);
  if (type === "C") outcome.tags.push(...strings(bytes.subarray(5)));
}

/**
 * Sends PGlite a startup packet. From then on it reports changed parameters as a server does, and its answer is
 * the list of them that every connection is told.
 */
async function startReporting(pglite: PGlite): Promise<Map<string, string>> {
  const contents = Buffer.concat([Buffer.of(0, 3, 0, 0), text("user"), text("postgres"), Buffer.of(0)]);
  const packet = message("", contents);
  const answer = await pglite.execProtocolRaw(packet);
  const parameters = reportedParameters(messages(Buffer.from(answer)));
  // PGlite's backend, started without a login, does not know who it is.
  return parameters.set("session_authorization", "postgres");
}

/** The ParameterStatus messages among `answer`, by name. */
export function reportedParameters(answer: Iterable<Message>): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const { type, bytes } of answer) {
    if (type !== "S") continue;
    const [name = "", value = ""] = strings(bytes.subarray(5));
    parameters.set(name, value);
  }
  return parameters;
}
