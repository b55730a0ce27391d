import { randomInt } from "node:crypto";
import type { Socket } from "node:net";
import { negotiateProtocolVersion, readStartup, type Startup, startupSettings } from "./startup.ts";
import type { Seat, Turns } from "./turns.ts";
import {
  createReader,
  errorResponse,
  int32,
  type Message,
  message,
  ProtocolViolation,
  parameterStatus,
  readyForQuery,
  strings,
  text,
} from "./wire.ts";

/** The one account and database of the embedded PostgreSQL. */
export const account = { user: "postgres", password: "postgres", database: "postgres" };

/** How long a client may take to log in, in milliseconds: PostgreSQL's default `authentication_timeout`. */
const loginTime = 60_000;

export interface Host {
  turns: Turns;
  parameters: ReadonlyMap<string, string>;
  /** Cancels the queued query of the connection with this key, if there is one. */
  cancel(processId: number, secretKey: number): void;
}

export interface Connection {
  processId: number;
  secretKey: number;
  cancel(): void;
  /** Ends the connection, with a last message when there is one. */
  end(last?: Buffer): void;
}

type Session = Extract<Startup, { kind: "session" }>;

/** Serves one client's connection, from its startup packet to its end. */
export function serveConnection(socket: Socket, processId: number, host: Host): Connection {
  const secretKey = randomInt(-(2 ** 31), 2 ** 31);
  const reader = createReader();
  let receive = receiveStartup;
  let seat: Seat | undefined;
  let exchange: Buffer[] = [];

  function end(last?: Buffer): void {
    receive = () => false;
    socket.end(last ?? Buffer.alloc(0), () => socket.destroy());
  }

  const fail = (code: string, description: string): void => end(errorResponse("FATAL", code, description));

  /** Takes the next packet off the reader, as long as there is one: true when it did. */
  function receiveStartup(): boolean {
    const packet = reader.startup();
    if (!packet) return false;
    const startup = readStartup(packet);
    if (startup.kind === "encryption") socket.write("N");
    if (startup.kind === "unsupported") {
      fail("0A000", `unsupported frontend protocol ${startup.version}: server supports 3.0 to 3.0`);
    }
    if (startup.kind === "cancel") {
      host.cancel(startup.processId, startup.secretKey);
      end();
    }
    if (startup.kind === "session") {
      if (startup.minor > 0 || startup.extensions.length > 0) {
        socket.write(negotiateProtocolVersion(startup.extensions));
      }
      socket.write(message("R", int32(3))); // AuthenticationCleartextPassword
      receive = () => receivePassword(startup);
    }
    return true;
  }

  function receivePassword(startup: Session): boolean {
    const next = reader.message();
    if (!next) return false;
    if (next.type !== "p") throw new ProtocolViolation("expected password response");
    const [password] = strings(next.bytes.subarray(5));
    const user = startup.parameters.get("user") ?? "";
    const database = startup.parameters.get("database") || user;
    if (user !== account.user || password !== account.password) {
      fail("28P01", `password authentication failed for user "${user}"`);
    } else if (database !== account.database) {
      fail("3D000", `database "${database}" does not exist`);
    } else {
      login(startupSettings(startup.parameters));
    }
    return true;
  }

  function login(settings: Record<string, string>): void {
    socket.setTimeout(0);
    seat = host.turns.seat(settings, { answer: (bytes) => void socket.write(bytes), refused });
    receive = receiveMessage;
    const parameters = [...host.parameters].map(([name, value]) => parameterStatus(name, value));
    const backendKeyData = message("K", int32(processId, secretKey));
    socket.write(Buffer.concat([message("R", int32(0)), ...parameters, backendKeyData, readyForQuery("I")]));
  }

  function refused(error: Message): void {
    const fields = new Map(strings(error.bytes.subarray(5)).map((field) => [field[0], field.slice(1)]));
    fail(fields.get("C") ?? "", fields.get("M") ?? "");
  }

  function receiveMessage(): boolean {
    const next = reader.message();
    if (!next) return false;
    if (next.type === "X") end();
    // Rows for a COPY that has been refused already, see `noCopy`.
    else if (!"dcf".includes(next.type)) collect(next);
    return true;
  }

  function collect({ type, bytes }: Message): void {
    if (!"QFPBDECSH".includes(type)) {
      throw new ProtocolViolation(`invalid frontend message type ${type.charCodeAt(0)}`);
    }
    exchange.push(bytes);
    if (type === "Q" || type === "E") exchange.push(noCopy);
    if (!"QFSH".includes(type)) return;
    seat?.submit({ bytes: Buffer.concat(exchange), ends: type !== "H" });
    exchange = [];
  }

  socket.setNoDelay(true);
  socket.setTimeout(loginTime, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.on("close", () => seat?.leave());
  socket.on("data", (chunk: Buffer) => {
    reader.push(chunk);
    try {
      while (receive());
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
      fail("08P01", error.message);
    }
  });
  return { processId, secretKey, cancel: () => seat?.cancel(), end };
}

/**
 * CopyFail, sent to PGlite after everything that could be a COPY FROM STDIN: PGlite reads an exchange whole, and
 * would wait forever for rows that the client sends only when asked. After anything else PostgreSQL ignores it.
 */
const noCopy = message("f", text("the embedded PostgreSQL takes no rows by COPY"));
