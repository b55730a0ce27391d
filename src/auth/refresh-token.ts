import type { Config } from "../env.ts";
import { keysOf } from "../http/access-token.ts";

/** Bytes of a refresh token: 160 random bits, and 96 of their signature, by which one of ours is known without asking. */
const [RANDOM_BYTES, TAG_BYTES] = [20, 12];
const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;
/** It begins like no access token, so that no signature is one of both. */
const PURPOSE = new TextEncoder().encode("refresh ");

async function signed(random: Uint8Array, key: CryptoKey): Promise<string> {
  const tag = await crypto.subtle.sign("HMAC", key, new Uint8Array([...PURPOSE, ...random]));
  return new Uint8Array([...random, ...new Uint8Array(tag, 0, TAG_BYTES)]).toBase64(BASE64URL);
}

/** A new refresh token, opaque to clients. */
export async function newRefresh(config: Config): Promise<string> {
  const [{ key }] = await keysOf(config);
  return signed(crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)), key);
}

/** Whether we have made this token, with this secret or the one before it; older ones are not known by their looks. */
export async function isOurs(token: string, config: Config): Promise<boolean> {
  if (!/^[\w-]{43}$/.test(token)) return false;
  const random = Uint8Array.fromBase64(token, { alphabet: "base64url" }).subarray(0, RANDOM_BYTES);
  const tokens = (await keysOf(config)).map((one) => one && signed(random, one.key));
  return (await Promise.all(tokens)).includes(token);
}
