/** A new refresh token: 256 random bits, opaque. */
export function newRefresh(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The form in which a refresh token is stored: SHA-256, which is enough for 256 random bits as it is not for a password. */
export async function hashRefresh(token: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  return new Uint8Array(digest).toHex();
}
