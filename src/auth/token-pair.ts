import type { Context } from "hono";
import type { TokenClaims } from "../db/query/caller.ts";
import type { AppEnv } from "../http/context.ts";
import { accessTokenSeconds, issueAccessToken } from "./access-token.ts";
import type { TokenPair } from "./responses.ts";

/** Responds with the tokens of a session: a new access token, and the refresh token that was issued. */
export async function respondTokenPair(
  c: Pick<Context<AppEnv>, "get" | "json">,
  claims: TokenClaims,
  refresh: string,
) {
  const pair: TokenPair = {
    access: await issueAccessToken(claims, c.get("config")),
    refresh,
    token_type: "Bearer",
    expires_in: accessTokenSeconds(c.get("config")),
    clinic: claims.clinic_id,
    ...(claims.must_change_password && { must_change_password: true }),
  };
  return c.json(pair);
}
