import { decode, sign } from "hono/jwt";
import { type Config, memoizePerConfig, sessionIdleMinutes } from "../config.ts";
import { jwtSecrets, sha256Hex } from "../crypto.ts";
import type { TokenClaims } from "../db/query/caller.ts";
import { digits, MAX_ID } from "../http/fields.ts";
import * as z from "../zod.ts";

export const ALGORITHM = "HS256";

/** A secret as a key, imported once: `hono/jwt` would import the secret again for each token. */
async function importSigningKey(secret: string) {
  const bytes = new TextEncoder().encode(secret);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign", "verify"]);
  // A hash of the secret discloses no more than any token does: a guessed secret can be tested against either.
  const kid = (await sha256Hex(bytes)).slice(0, 8);
  const k = bytes.toBase64({ alphabet: "base64url", omitPadding: true });
  return { key, kid, jwk: { kty: "oct", alg: ALGORITHM, k, kid } };
}

/** The key that signs, and the one before it while `JWT_SECRET` is being replaced. */
const signingKeys = memoizePerConfig((config) => Promise.all(jwtSecrets(config).map(importSigningKey)));

/** The key that verifies a token: the one whose id is the token's `kid`, else the one that signs. */
export async function verificationKey(token: string, config: Config): Promise<CryptoKey> {
  const keys = await signingKeys(config);
  const [current] = keys as [(typeof keys)[number]];
  if (keys.length === 1) return current.key;
  const kid = keyIdOf(token);
  return (keys.find((key) => key.kid === kid) ?? current).key;
}

function keyIdOf(token: string): unknown {
  try {
    return (decode(token).header as { kid?: unknown }).kid;
  } catch {
    return undefined; // Malformed: its verification fails and says so.
  }
}

const MAX_ACCESS_TOKEN_SECONDS = 15 * 60;

/**
 * The lifetime of an access token, in seconds: 15 minutes, or half of a shorter idle time. So a client that refreshes
 * when its token expires does that before its session expires, and no access token outlives an idle session.
 */
export const accessTokenSeconds = (config: Config): number =>
  Math.min(MAX_ACCESS_TOKEN_SECONDS, sessionIdleMinutes(config) * 30);

/** How many seconds in the future `iat` and `nbf` may be: clocks of machines differ (RFC 7519, section 4.1.5). */
const CLOCK_TOLERANCE_SECONDS = 60;

const startTime = z.optional(
  z.number().check(z.refine((time) => time <= Date.now() / 1000 + CLOCK_TOLERANCE_SECONDS)),
);

/** The payload of an access token (RFC 7519). */
const Payload = z.object({
  sub: digits(/^\d{1,10}$/).check(z.maximum(MAX_ID)),
  sid: z.uuid(),
  ver: z.int().check(z.positive(), z.maximum(MAX_ID)),
  /** Tokens from before there were clinics have none: the account works in its personal one. */
  clinic: z.optional(z.int().check(z.positive(), z.maximum(MAX_ID))),
  // Required here, because hono/jwt accepts a token without `exp`.
  exp: z.number(),
  iat: startTime,
  nbf: startTime,
  must_change_password: z.optional(z.boolean()),
  is_auditor: z.optional(z.boolean()),
});

/** Issues a signed access token for this issuer and audience. It expires after `accessTokenSeconds`. */
export async function issueAccessToken(claims: TokenClaims, config: Config): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  const payload = {
    iss: config.JWT_ISSUER,
    aud: config.JWT_AUDIENCE,
    sub: String(claims.user_id),
    sid: claims.session_id,
    ver: claims.token_version,
    clinic: claims.clinic_id,
    iat,
    exp: iat + accessTokenSeconds(config),
    ...(claims.must_change_password && { must_change_password: true }),
    ...(claims.is_auditor && { is_auditor: true }),
  };
  const [key] = await signingKeys(config);
  return sign(payload, (key as NonNullable<typeof key>).jwk, ALGORITHM);
}

/** The content of a verified token. */
export interface VerifiedToken {
  claims: TokenClaims;
  /** When it expires, in seconds since 1970: without a tolerance. */
  exp: number;
}

/**
 * The content of a payload whose signature was verified; `undefined` when it is not one of
 * `issueAccessToken`, or is not valid yet.
 */
export function parseVerifiedPayload(payload: unknown): VerifiedToken | undefined {
  const { success, data } = Payload.safeParse(payload);
  if (!success) return undefined;
  const { sub: user_id, sid: session_id, ver: token_version, clinic: clinic_id = user_id, exp } = data;
  const { must_change_password = false, is_auditor = false } = data;
  return { claims: { user_id, session_id, clinic_id, token_version, must_change_password, is_auditor }, exp };
}
