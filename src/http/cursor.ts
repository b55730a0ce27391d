import { type Config, perConfig } from "../config.ts";
import { secretsOf } from "./secrets.ts";

const encoder = new TextEncoder();

/** A key of a secret that seals cursors, and is good for nothing else. */
async function keyOf(secret: string): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey("raw", encoder.encode(secret), "HKDF", false, ["deriveKey"]);
  const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encoder.encode("cursor") };
  const aes = { name: "AES-GCM", length: 256 };
  return crypto.subtle.deriveKey(hkdf, material, aes, false, ["encrypt", "decrypt"]);
}
/** Each once; the first one seals. */
const keysOf = perConfig((config) => Promise.all(secretsOf(config).map(keyOf)));

/** Bytes of the nonce that AES-GCM wants for each text (NIST SP 800-38D, section 8.2). */
const NONCE_BYTES = 12;

/**
 * A value of JSON as a cursor: a client can neither read it, for it may hold names and stands in URLs, nor make one.
 */
export async function seal(value: unknown, config: Config): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const text = encoder.encode(JSON.stringify(value));
  const [key] = await keysOf(config);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key as CryptoKey, text);
  const bytes = new Uint8Array(NONCE_BYTES + sealed.byteLength);
  bytes.set(iv);
  bytes.set(new Uint8Array(sealed), NONCE_BYTES);
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** What was sealed as a cursor; `undefined` when nothing was. */
export async function unseal(cursor: string, config: Config): Promise<unknown> {
  for (const key of await keysOf(config)) {
    try {
      const bytes = Uint8Array.fromBase64(cursor, { alphabet: "base64url" });
      const iv = bytes.subarray(0, NONCE_BYTES);
      const sealed = bytes.subarray(NONCE_BYTES);
      const value = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed);
      return JSON.parse(new TextDecoder().decode(value));
    } catch {
      // no base64, or not of this key
    }
  }
  return undefined;
}
