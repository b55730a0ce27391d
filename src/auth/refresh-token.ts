import { type Config, memoizePerConfig } from "../config.ts";
import { deriveKey, jwtSecrets } from "../crypto.ts";

// A refresh token is opaque to clients: random bytes, the bytes that all tokens of one session share (its family),
// and a signature over both. By the signature the Worker recognises its own tokens without the database, so that it
// can count their requests by session.

const RANDOM_BYTES = 16;
const FAMILY_BYTES = 4;
const SIGNATURE_BYTES = 12;
const SIGNED_BYTES = RANDOM_BYTES + FAMILY_BYTES;
/** The length in base64url: 32 bytes. */
const TOKEN = /^[\w-]{43}$/;

/** A key for each secret, derived once in an isolate. The first one signs. */
const signingKeys = memoizePerConfig((config) => {
  const hmac = { name: "HMAC", hash: "SHA-256", length: 256 };
  return Promise.all(jwtSecrets(config).map((secret) => deriveKey(secret, "refresh token", hmac, ["sign"])));
});

async function signToken(bytes: Uint8Array<ArrayBuffer>, key: CryptoKey): Promise<string> {
  const signature = await crypto.subtle.sign("HMAC", key, bytes);
  const token = new Uint8Array(SIGNED_BYTES + SIGNATURE_BYTES);
  token.set(bytes);
  token.set(new Uint8Array(signature, 0, SIGNATURE_BYTES), SIGNED_BYTES);
  return token.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The signed bytes of a token; `undefined` when none of the secrets has signed it. */
async function verifiedBytes(token: string, config: Config): Promise<Uint8Array | undefined> {
  if (!TOKEN.test(token)) return undefined;
  const bytes = Uint8Array.fromBase64(token, { alphabet: "base64url" }).slice(0, SIGNED_BYTES);
  for (const key of await signingKeys(config)) if ((await signToken(bytes, key)) === token) return bytes;
  return undefined;
}

/**
 * Creates a refresh token of 43 characters.
 *
 * @param spentToken the token that it replaces: both have the same family.
 */
export async function newRefreshToken(config: Config, spentToken?: string): Promise<string> {
  const [key] = await signingKeys(config);
  const bytes = crypto.getRandomValues(new Uint8Array(SIGNED_BYTES));
  const spentBytes = spentToken === undefined ? undefined : await verifiedBytes(spentToken, config);
  if (spentBytes) bytes.set(spentBytes.subarray(RANDOM_BYTES), RANDOM_BYTES);
  return signToken(bytes, key as CryptoKey);
}

/** What all tokens of one session have in common; `undefined` when this API has not issued the token. */
export async function refreshTokenFamily(token: string, config: Config): Promise<string | undefined> {
  return (await verifiedBytes(token, config))?.subarray(RANDOM_BYTES).toHex();
}
