/** SHA-256 of some bytes, in hexadecimal. */
export const sha256 = async (bytes: BufferSource): Promise<string> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();

/** The form in which a token or a code is stored: SHA-256, which is enough for 160 random bits as it is not for a password. */
export const hashToken = (token: string): Promise<string> => sha256(new TextEncoder().encode(token));
