import type { Config } from "../config.ts";
import { keysOf } from "./access-token.ts";

/**
 * The bytes of a refresh token: random ones, those that all tokens of a session have in common, and a signature of both, by which one
 * of ours is known without asking.
 */
const [RANDOM_BYTES, SESSION_BYTES, TAG_BYTES] = [16, 4, 12];
const SIGNED_BYTES = RANDOM_BYTES + SESSION_BYTES;
const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;
/** It begins like no access token, so that no signature is one of both. */
const PURPOSE = new TextEncoder().encode("refresh ");

async function signed(bytes: Uint8Array, key: CryptoKey): Promise<string> {
  const tag = await crypto.subtle.sign("HMAC", key, new Uint8Array([...PURPOSE, ...bytes]));
  return new Uint8Array([...bytes, ...new Uint8Array(tag, 0, TAG_BYTES)]).toBase64(BASE64URL);
}

/** The bytes of a token that we have signed, with this secret or the one before it; older ones are not known by their looks. */
async function bytesOf(token: string, config: Config): Promise<Uint8Array | undefined> {
  if (!/^[\w-]{43}$/.test(token)) return undefined;
  const bytes = Uint8Array.fromBase64(token, { alphabet: "base64url" }).subarray(0, SIGNED_BYTES);
  const tokens = (await keysOf(config)).map((one) => one && signed(bytes, one.key));
  return (await Promise.all(tokens)).includes(token) ? bytes : undefined;
}

/** A new refresh token, opaque to clients. @param before the one that it replaces */
export async function newRefresh(config: Config, before?: string): Promise<string> {
  const [{ key }] = await keysOf(config);
  const bytes = crypto.getRandomValues(new Uint8Array(SIGNED_BYTES));
  const replaced = before === undefined ? undefined : await bytesOf(before, config);
  if (replaced) bytes.set(replaced.subarray(RANDOM_BYTES), RANDOM_BYTES);
  return signed(bytes, key);
}

/** What all tokens of a session have in common, if we have made this one. */
export async function sessionOf(token: string, config: Config): Promise<string | undefined> {
  return (await bytesOf(token, config))?.subarray(RANDOM_BYTES).toHex();
}
