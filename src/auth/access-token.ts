import { decode, sign } from "hono/jwt";
import { type Config, perConfig } from "../config.ts";
import { sha256 } from "../crypto.ts";
import type { Claims } from "../db/query/caller.ts";
import { digits, MAX_ID } from "../http/fields.ts";
import { secretsOf } from "../http/secrets.ts";
import * as z from "../zod.ts";

export const ALGORITHM = "HS256";

/** A secret as the key of tokens, imported once. */
async function keyOf(secret: string) {
  const bytes = new TextEncoder().encode(secret);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign", "verify"]);
  // It tells no more of the secret than any token does, against which a guess can be tried as well.
  const kid = (await sha256(bytes)).slice(0, 8);
  return { key, kid, jwk: { kty: "oct", alg: ALGORITHM, k: bytes.toBase64(BASE64URL), kid } };
}
const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;

/** The keys of a configuration: the one that signs, and the one before it. */
export const keysOf = perConfig((config) => {
  const [secret, previous] = secretsOf(config);
  return Promise.all([keyOf(secret), previous === undefined ? undefined : keyOf(previous)]);
});

/** The key to verify a token with: the previous one, if there is one and the token says so by its `kid`. */
export async function keyFor(token: string, config: Config): Promise<CryptoKey> {
  const [current, previous] = await keysOf(config);
  return previous && kidOf(token) === previous.kid ? previous.key : current.key;
}

function kidOf(token: string): unknown {
  try {
    return (decode(token).header as { kid?: unknown }).kid;
  } catch {
    return undefined; // no token: whoever verifies it says so
  }
}

/** How long an access token lives, in seconds. */
export const ACCESS_SECONDS = 15 * 60;

/** The payload of an access token (RFC 7519) that `issueAccess` made. */
const Payload = z.object({
  sub: digits(/^\d{1,10}$/).check(z.maximum(MAX_ID)),
  sid: z.uuid(),
  ver: z.int().check(z.positive(), z.maximum(MAX_ID)),
  // hono/jwt checks `exp` only where there is one.
  exp: z.number(),
  must_change_password: z.optional(z.boolean()),
});

/** An access token for `claims`: signed, expiring, for this API only. */
export async function issueAccess(claims: Claims, config: Config): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  const payload = {
    iss: config.JWT_ISSUER,
    aud: config.JWT_AUDIENCE,
    sub: String(claims.user_id),
    sid: claims.session_id,
    ver: claims.token_version,
    iat,
    exp: iat + ACCESS_SECONDS,
    ...(claims.must_change_password && { must_change_password: true }),
  };
  const [{ jwk }] = await keysOf(config);
  return sign(payload, jwk, ALGORITHM);
}

/** What a genuine token says, and until when it is good, in seconds since 1970. */
export interface Verified {
  claims: Claims;
  exp: number;
}

/** What a verified payload says; `undefined` when it is not one that `issueAccess` makes. */
export function verifiedOf(payload: unknown): Verified | undefined {
  const { success, data } = Payload.safeParse(payload);
  if (!success) return undefined;
  const { sub: user_id, sid: session_id, ver: token_version, must_change_password = false, exp } = data;
  return { claims: { user_id, session_id, token_version, must_change_password }, exp };
}
