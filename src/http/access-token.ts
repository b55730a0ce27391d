import { sign } from "hono/jwt";
import type { Claims } from "../db/caller.ts";
import type { Config } from "../env.ts";
import * as z from "../zod.ts";
import { digits, MAX_ID } from "./fields.ts";

export const ALGORITHM = "HS256";

const keys = new WeakMap<Config, Promise<CryptoKey>>();

/** The key that access tokens are signed with, imported once. */
export function keyOf(config: Config): Promise<CryptoKey> {
  const known = keys.get(config);
  if (known) return known;
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const secret = new TextEncoder().encode(config.JWT_SECRET);
  const key = crypto.subtle.importKey("raw", secret, algorithm, false, ["sign", "verify"]);
  keys.set(config, key);
  return key;
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
  };
  return sign(payload, await keyOf(config), ALGORITHM);
}

/** What a verified payload claims; `undefined` when it is not one that `issueAccess` makes. */
export function claimsOf(payload: unknown): Claims | undefined {
  const { success, data } = Payload.safeParse(payload);
  return success ? { user_id: data.sub, session_id: data.sid, token_version: data.ver } : undefined;
}
