import { type Config, memoizePerConfig } from "../config.ts";
import { deriveKey, jwtSecrets } from "../crypto.ts";

// A refresh token is opaque to clients: random bytes, the bytes that all tokens of one session share (its family),
// and a signature over both. By the signature the Worker recognises its own tokens without the database, so that it
// can count their requests by session.
//
// The random bytes of all tokens but the first one of a session are derived from the token before: everybody who exchanges a
// token again gets the same successor, and no second chain of tokens begins.

const RANDOM_BYTES = 16;
const FAMILY_BYTES = 4;
const SIGNATURE_BYTES = 12;
const SIGNED_BYTES = RANDOM_BYTES + FAMILY_BYTES;
/** The length in base64url: 32 bytes. */
const TOKEN = /^[\w-]{43}$/;

/** The keys of one secret. */
interface RefreshTokenKeys {
  /** Signs tokens. */
  signing: CryptoKey;
  /** Derives the successor of a token. */
  successor: CryptoKey;
}

async function deriveKeys(secret: string): Promise<RefreshTokenKeys> {
  const hmac = { name: "HMAC", hash: "SHA-256", length: 256 };
  return {
    signing: await deriveKey(secret, "refresh token", hmac, ["sign"]),
    successor: await deriveKey(secret, "successor of a refresh token", hmac, ["sign"]),
  };
}

/** The keys of each secret, derived once in an isolate. The first ones sign new sessions' tokens. */
const refreshTokenKeys = memoizePerConfig((config) => Promise.all(jwtSecrets(config).map(deriveKeys)));

async function signToken(
  bytes: Uint8Array<ArrayBuffer>,
  { signing }: Pick<RefreshTokenKeys, "signing">,
): Promise<string> {
  const signature = await crypto.subtle.sign("HMAC", signing, bytes);
  const token = new Uint8Array(SIGNED_BYTES + SIGNATURE_BYTES);
  token.set(bytes);
  token.set(new Uint8Array(signature, 0, SIGNATURE_BYTES), SIGNED_BYTES);
  return token.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The family of a token; `undefined` when these keys have not signed it. */
async function familyOf(token: string, keys: RefreshTokenKeys): Promise<Uint8Array | undefined> {
  if (!TOKEN.test(token)) return undefined;
  const bytes = Uint8Array.fromBase64(token, { alphabet: "base64url" }).slice(0, SIGNED_BYTES);
  return (await signToken(bytes, keys)) === token ? bytes.subarray(RANDOM_BYTES) : undefined;
}

/** Creates the first refresh token of a session: 43 characters. */
export async function newRefreshToken(config: Config): Promise<string> {
  const [keys] = await refreshTokenKeys(config);
  return signToken(crypto.getRandomValues(new Uint8Array(SIGNED_BYTES)), keys as RefreshTokenKeys);
}

/**
 * The token that follows a spent one, by the keys of one secret: always the same. It has the family of the spent
 * token, if these keys have signed that, else a family of its own.
 */
async function successorBy(spentToken: string, keys: RefreshTokenKeys) {
  const input = new TextEncoder().encode(spentToken);
  const derived = await crypto.subtle.sign("HMAC", keys.successor, input);
  const bytes = new Uint8Array(derived).slice(0, SIGNED_BYTES);
  const family = await familyOf(spentToken, keys);
  if (family) bytes.set(family, RANDOM_BYTES);
  return { token: await signToken(bytes, keys), isSigner: family !== undefined };
}

/**
 * The tokens that may follow a spent one, one for each secret. The first is issued when the token is exchanged for the
 * first time: that of the secret that signed the spent token, if it is known. So while `JWT_SECRET` is being replaced,
 * Workers with the old and with the new configuration issue the same one. The others are those that a Worker may have
 * issued that did not know this secret.
 */
export async function refreshTokenSuccessors(spentToken: string, config: Config): Promise<string[]> {
  const keys = await refreshTokenKeys(config);
  const successors = await Promise.all(keys.map((ofSecret) => successorBy(spentToken, ofSecret)));
  return successors.sort((a, b) => Number(b.isSigner) - Number(a.isSigner)).map(({ token }) => token);
}

/** What all tokens of one session have in common; `undefined` when this API has not issued the token. */
export async function refreshTokenFamily(token: string, config: Config): Promise<string | undefined> {
  for (const keys of await refreshTokenKeys(config)) {
    const family = await familyOf(token, keys);
    if (family) return family.toHex();
  }
  return undefined;
}
