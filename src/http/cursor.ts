import { type Config, perConfig } from "../env.ts";

const encoder = new TextEncoder();

/** The key that cursors are sealed with: of `JWT_SECRET`, and good for nothing else. */
const keyOf = perConfig(async ({ JWT_SECRET }) => {
  const secret = encoder.encode(JWT_SECRET);
  const material = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
  const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encoder.encode("cursor") };
  return crypto.subtle.deriveKey(hkdf, material, { name: "AES-GCM", length: 256 }, false, [
    "encrypt",
    "decrypt",
  ]);
});

/** Bytes of the nonce that AES-GCM wants for each text (NIST SP 800-38D, section 8.2). */
const NONCE_BYTES = 12;

/**
 * A value of JSON as a cursor: a client can neither read it, for it may hold names and stands in URLs, nor make one.
 */
export async function seal(value: unknown, config: Config): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const text = encoder.encode(JSON.stringify(value));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await keyOf(config), text);
  const bytes = new Uint8Array(NONCE_BYTES + sealed.byteLength);
  bytes.set(iv);
  bytes.set(new Uint8Array(sealed), NONCE_BYTES);
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** What was sealed as a cursor; `undefined` when nothing was. */
export async function unseal(cursor: string, config: Config): Promise<unknown> {
  try {
    const bytes = Uint8Array.fromBase64(cursor, { alphabet: "base64url" });
    const iv = bytes.subarray(0, NONCE_BYTES);
    const sealed = bytes.subarray(NONCE_BYTES);
    const value = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, await keyOf(config), sealed);
    return JSON.parse(new TextDecoder().decode(value));
  } catch {
    return undefined; // no base64, or not of this key
  }
}
