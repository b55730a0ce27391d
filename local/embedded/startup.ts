import { int32, message, ProtocolViolation, strings, text } from "./wire.ts";

/** What a connection's first packet can be. */
export type Startup =
  | { kind: "encryption" }
  | { kind: "cancel"; processId: number; secretKey: number }
  | { kind: "unsupported"; version: string }
  | { kind: "session"; minor: number; extensions: string[]; parameters: Map<string, string> };

const cancelRequest = 80877102;
const sslRequest = 80877103;
const gssEncRequest = 80877104;

/**
 * Reads a startup packet (without its length):
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-START-UP
 *
 * @throws ProtocolViolation when it is none
 */
export function readStartup(packet: Buffer): Startup {
  if (packet.length < 4) throw new ProtocolViolation("invalid length of startup packet");
  const code = packet.readInt32BE(0);
  if (code === sslRequest || code === gssEncRequest) return { kind: "encryption" };
  if (code === cancelRequest) {
    if (packet.length !== 12) throw new ProtocolViolation("invalid length of cancel request packet");
    return { kind: "cancel", processId: packet.readInt32BE(4), secretKey: packet.readInt32BE(8) };
  }
  const major = code >>> 16;
  const minor = code & 0xffff;
  if (major !== 3) return { kind: "unsupported", version: `${major}.${minor}` };

  const parameters = readParameters(packet.subarray(4));
  const extensions = [...parameters.keys()].filter((name) => name.startsWith("_pq_."));
  for (const name of extensions) parameters.delete(name);
  return { kind: "session", minor, extensions, parameters };
}

function readParameters(bytes: Buffer): Map<string, string> {
  const words = strings(bytes);
  // Pairs of strings, then one empty string as the end.
  if (bytes.at(-1) !== 0 || words.pop() !== "" || words.length % 2 === 1) {
    throw new ProtocolViolation("invalid startup packet layout: expected terminator as last byte");
  }
  const parameters = new Map<string, string>();
  for (let index = 0; index < words.length; index += 2) {
    parameters.set(words[index] ?? "", words[index + 1] ?? "");
  }
  return parameters;
}

/** NegotiateProtocolVersion: this server speaks 3.0 and knows none of the client's protocol extensions. */
export function negotiateProtocolVersion(extensions: string[]): Buffer {
  return message("v", int32(3 << 16, extensions.length), ...extensions.map(text));
}

/** The parameters of a startup packet that are not settings of the session. */
const notSettings = new Set(["user", "database", "replication", "options"]);

/** The settings a startup packet asks for: by name, and in `options` as `-c name=value` or `--name=value`. */
export function startupSettings(parameters: Map<string, string>): Record<string, string> {
  const settings: Record<string, string> = {};
  // Words are separated by spaces; a backslash makes the next character part of the word.
  const words = parameters.get("options")?.match(/(?:\\.|[^\\\s])+/gs) ?? [];
  const options = words.map((word) => word.replace(/\\(.)/gs, "$1"));
  for (const [index, word] of options.entries()) {
    const assignment = word === "-c" ? options[index + 1] : word.match(/^(?:-c|--)(.+)/s)?.[1];
    const [, name, value] = assignment?.match(/^([^=]+)=(.*)$/s) ?? [];
    if (name !== undefined) settings[name.replaceAll("-", "_")] = value ?? "";
  }
  for (const [name, value] of parameters) if (!notSettings.has(name)) settings[name] = value;
  return settings;
}
