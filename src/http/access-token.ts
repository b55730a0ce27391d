import { sign } from "hono/jwt";
import type { Claims } from "../db/caller.ts";
import { type Config, perConfig } from "../env.ts";
import * as z from "../zod.ts";
import { digits, MAX_ID } from "./fields.ts";

export const ALGORITHM = "HS256";

/** The key that access tokens are signed with, imported once. */
export const keyOf = perConfig(({ JWT_SECRET }) => {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const secret = new TextEncoder().encode(JWT_SECRET);
  return crypto.subtle.importKey("raw", secret, algorithm, false, ["sign", "verify"]);
});

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
