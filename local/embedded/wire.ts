/**
 * The messages of PostgreSQL's wire protocol, as far as a server that hands the work to PGlite has to read and
 * write them itself: https://www.postgresql.org/docs/current/protocol-message-formats.html
 */

/** One message, whole, with its type byte and length. */
export interface Message {
  type: string;
  bytes: Buffer;
}

/** What the client broke in the protocol; the connection cannot go on. */
export class ProtocolViolation extends Error {}

/** PostgreSQL's MAX_STARTUP_PACKET_LENGTH. */
const longestStartup = 10_000;
/** PostgreSQL's PQ_LARGE_MESSAGE_LIMIT, the longest a message may claim to be. */
const longestMessage = 0x3ffffffe;

export function int32(...values: number[]): Buffer {
  const buffer = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) buffer.writeInt32BE(value, 4 * index);
  return buffer;
}

/** A string as the protocol ends it, with a zero byte. */
export const text = (value: string): Buffer => Buffer.from(`${value}\0`);

/** A message of the given type byte around its contents. */
export function message(type: string, ...contents: Buffer[]): Buffer {
  const body = Buffer.concat(contents);
  return Buffer.concat([Buffer.from(type, "latin1"), int32(body.length + 4), body]);
}

export type Severity = "ERROR" | "FATAL";

/** ErrorResponse; `code` is an SQLSTATE. */
export function errorResponse(severity: Severity, code: string, description: string): Buffer {
  const fields = [`S${severity}`, `V${severity}`, `C${code}`, `M${description}`];
  return message("E", ...fields.map(text), Buffer.of(0));
}

/** ReadyForQuery: `I` idle, `T` in a transaction, `E` in a failed one. */
export const readyForQuery = (status: "I" | "T" | "E"): Buffer => message("Z", Buffer.from(status));

export const parameterStatus = (name: string, value: string): Buffer => message("S", text(name), text(value));

/** Query, the simple protocol's one message. */
export const query = (sql: string): Buffer => message("Q", text(sql));

/** The strings, each ended by a zero byte, that `bytes` is made of. */
export function strings(bytes: Buffer): string[] {
  return bytes.toString("utf8").split("\0").slice(0, -1);
}

/** The messages in `bytes`, which must be whole. */
export function* messages(bytes: Buffer): Generator<Message> {
  for (let start = 0; start + 5 <= bytes.length; ) {
    const end = start + 1 + bytes.readInt32BE(start + 1);
    yield { type: bytes.toString("latin1", start, start + 1), bytes: bytes.subarray(start, end) };
    start = end;
  }
}

export interface Reader {
  push(chunk: Buffer): void;
  /** The next startup packet without its length, or nothing while it is incomplete. Throws ProtocolViolation. */
  startup(): Buffer | undefined;
  /** The next message, or nothing while it is incomplete. Throws ProtocolViolation. */
  message(): Message | undefined;
}

/** Cuts what a socket delivers, in pieces of any size, into messages. */
export function createReader(): Reader {
  let chunks: Buffer[] = [];
  let available = 0;

  function peek(length: number): Buffer | undefined {
    if (available < length) return undefined;
    // Joined only when the wanted bytes are there: joining at every chunk would cost the square of the length.
    if ((chunks[0]?.length ?? 0) < length) chunks = [Buffer.concat(chunks)];
    return chunks[0]?.subarray(0, length);
  }

  function take(prefix: number, longest: number): Buffer | undefined {
    const length = peek(prefix + 4)?.readUInt32BE(prefix);
    if (length === undefined) return undefined;
    if (length < 4 || length > longest) throw new ProtocolViolation("invalid message length");
    const taken = peek(prefix + length);
    if (!taken) return undefined;
    chunks[0] = (chunks[0] ?? taken).subarray(taken.length);
    available -= taken.length;
    return taken;
  }

  return {
    push(chunk) {
      chunks.push(chunk);
      available += chunk.length;
    },
    startup: () => take(0, longestStartup)?.subarray(4),
    message() {
      const bytes = take(1, longestMessage);
      return bytes && { type: bytes.toString("latin1", 0, 1), bytes };
    },
  };
}
