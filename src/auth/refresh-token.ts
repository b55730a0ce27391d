import { sha256 } from "../http/sha256.ts";

/** A new refresh token: 256 random bits, opaque. */
export function newRefresh(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The form in which a refresh token is stored: SHA-256, which is enough for 256 random bits as it is not for a password. */
export const hashRefresh = (token: string): Promise<string> => sha256(new TextEncoder().encode(token));
