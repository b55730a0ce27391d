/** SHA-256 of some bytes, in hexadecimal. */
export const sha256 = async (bytes: BufferSource): Promise<string> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
