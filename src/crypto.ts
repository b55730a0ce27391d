import type { Config } from "./config.ts";

/** `JWT_SECRET`, and the secret that it replaces while a rotation is under way. The first one signs and encrypts. */
export const jwtSecrets = ({ JWT_SECRET, JWT_SECRET_PREVIOUS }: Config): [string, ...string[]] =>
  JWT_SECRET_PREVIOUS ? [JWT_SECRET, JWT_SECRET_PREVIOUS] : [JWT_SECRET];

/**
 * Derives a key from a secret (HKDF with SHA-256, RFC 5869). Keys of different purposes are independent of each other
 * and of the secret.
 *
 * @param purpose the `info` of HKDF: another one for each use of a key.
 */
export async function deriveKey(
  secret: string,
  purpose: string,
  algorithm: SubtleCryptoImportKeyAlgorithm,
  usages: string[],
): Promise<CryptoKey> {
  const encoder = new TextEncoder();
  const material = await crypto.subtle.importKey("raw", encoder.encode(secret), "HKDF", false, ["deriveKey"]);
  const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encoder.encode(purpose) };
  return crypto.subtle.deriveKey(hkdf, material, algorithm, false, usages);
}

/** SHA-256 of some bytes, in hexadecimal. */
export const sha256Hex = async (bytes: BufferSource): Promise<string> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();

/**
 * The form in which a refresh token or an invitation code is stored: SHA-256 in hexadecimal. A fast hash is enough
 * for at least 128 random bits, as it is not for a password.
 */
export const hashToken = (token: string): Promise<string> => sha256Hex(new TextEncoder().encode(token));
