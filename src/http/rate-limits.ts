import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { Config } from "../config.ts";
import { networkOf } from "./address.ts";
import type { AppEnv } from "./context.ts";
import { Problem } from "./problems.ts";

/** The period of all limiters in wrangler.toml, in seconds: the longest that anyone has to wait. */
const PERIOD_SECONDS = 60;

/** Counts a request by a key of a limiter's. @throws {Problem} 429 when there are too many */
export async function spend(limiter: RateLimit, key: string): Promise<void> {
  const { success } = await limiter.limit({ key });
  if (!success) throw tooMany(PERIOD_SECONDS);
}

/** 429: the same again may be tried after so many seconds (RFC 6585, section 4). */
export const tooMany = (seconds: number): Problem =>
  new Problem(429, "Too many attempts. Try again later.", { headers: { "Retry-After": String(seconds) } });

type LimiterName = keyof Config & `${string}_LIMITER`;

/** The middlewares that are made here: the reference says of their routes that they are limited. */
export const limiting = new WeakSet<WeakKey>();

/** Counts a request by a key of its own, by that of its network when there is none. @throws {Problem} 429 */
export function limit(
  name: LimiterName,
  keyOf: (c: Context<AppEnv>) => Promise<string | undefined> = async () => undefined,
) {
  const limited = createMiddleware<AppEnv>(async (c, next) => {
    await spend(c.get("config")[name], (await keyOf(c)) ?? networkOf(c));
    await next();
  });
  limiting.add(limited);
  return limited;
}
