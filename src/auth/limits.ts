import { createMiddleware } from "hono/factory";
import { addressOf } from "../http/address.ts";
import type { AppEnv } from "../http/context.ts";
import { Problem } from "../http/problem.ts";

/** The period of both limiters in wrangler.toml, in seconds: the longest that anyone has to wait. */
const PERIOD_SECONDS = 60;

/** Counts an attempt by the address it comes from. @throws {Problem} 429 */
export const limitAddress = createMiddleware<AppEnv>(async (c, next) => {
  await spend(c.get("config").ADDRESS_LIMITER, addressOf(c));
  await next();
});

/** Counts an attempt to log in by the username it is for, wherever it comes from. @throws {Problem} 429 */
export const limitUsername = (limiter: RateLimit, foldedUsername: string) => spend(limiter, foldedUsername);

async function spend(limiter: RateLimit, key: string): Promise<void> {
  const { success } = await limiter.limit({ key });
  if (success) return;
  throw new Problem(429, "Too many attempts. Try again later.", {
    headers: { "Retry-After": String(PERIOD_SECONDS) },
  });
}
