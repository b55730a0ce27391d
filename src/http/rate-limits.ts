import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { type Config, memoizePerConfig } from "../config.ts";
import type { RequestOrigin } from "../db/query/audit.ts";
import type { AppEnv, AuthenticatedEnv } from "./context.ts";
import { Problem } from "./problems.ts";

/** The period of all rate limiters in wrangler.toml, in seconds: the longest wait. */
const PERIOD_SECONDS = 60;

/** Counts one request by a key of a rate limiter. @throws {Problem} 429 when there were too many */
export async function consumeRateLimit(limiter: RateLimit, key: string): Promise<void> {
  const { success } = await limiter.limit({ key });
  if (!success) throw tooManyRequests("rate_limited", PERIOD_SECONDS);
}

/** 429 with `Retry-After` (RFC 6585, section 4). @param seconds until the next attempt, at least 1 */
export const tooManyRequests = (code: "rate_limited" | "locked_out", seconds: number): Problem =>
  new Problem(code, "Too many attempts. Try again later.", { headers: { "Retry-After": String(seconds) } });

type LimiterName = keyof Config & `${string}_LIMITER`;

/** All middleware that can respond with 429. The OpenAPI document lists that status for their routes. */
export const rateLimitedMiddleware = new WeakSet<WeakKey>();

/**
 * A middleware that counts requests.
 *
 * @param keyOf the key that a request is counted by. Without it, or when it returns `undefined`, that are the client's
 *   networks.
 * @throws {Problem} 429
 */
export function rateLimit(
  name: LimiterName,
  keyOf: (c: Context<AppEnv>) => Promise<string | undefined> = async () => undefined,
) {
  const middleware = createMiddleware<AppEnv>(async (c, next) => {
    const key = await keyOf(c);
    for (const counted of key === undefined ? clientNetworks(c) : [key])
      await consumeRateLimit(c.get("config")[name], counted);
    await next();
  });
  rateLimitedMiddleware.add(middleware);
  return middleware;
}

/**
 * Counts imports and exports by account, apart from its other requests: one may take the CPU and memory of a thousand
 * of them.
 */
export const limitImportsAndExports = rateLimit("IMPORT_EXPORT_LIMITER", async (c) =>
  String((c as unknown as Context<AuthenticatedEnv>).get("caller").claims.user_id),
);

/** The client's IP address, as Cloudflare reports it. Headers that a client can set are not read. */
const clientAddress = (c: Context): string => c.req.header("CF-Connecting-IP") ?? "";

/** Warns once in an isolate. */
const warnAboutMissingAddress = memoizePerConfig(() =>
  console.warn(
    JSON.stringify({
      warning: "requests have no client address",
      advice:
        "CF-Connecting-IP is missing. All clients are counted as one network, and audit events have no address: let clients reach this Worker through Cloudflare only.",
    }),
  ),
);

/** Logs a warning with the first request that has no client address, because limits by network depend on it. */
export function checkClientAddress(c: Context, config: Config): void {
  if (clientAddress(c) === "") warnAboutMissingAddress(config);
}

/** Where a request comes from, for its audit event. */
export const requestOrigin = (c: Context): RequestOrigin => ({
  request_id: c.get("requestId"),
  address: clientAddress(c),
});

/** An IPv6 address in its eight groups; `undefined` for any other address. */
function ipv6Groups(address: string): string[] | undefined {
  if (!address.includes(":")) return undefined;
  const [before = [], after = []] = address.split("::").map((part) => part.split(":").filter(Boolean));
  const zeros = Array(Math.max(0, 8 - before.length - after.length)).fill("0");
  return [...before, ...zeros, ...after].map((group) => group.replace(/^0+(?=.)/, ""));
}

/**
 * The networks that a request is counted by, the smallest first: an IPv4 address; or the /64 and the /48 prefix of an
 * IPv6 address, because a subscriber chooses the rest of a /64 and may have all of the 65,536 in a /48 (RFC 6177). All
 * requests without an address share one network.
 */
function clientNetworks(c: Context): [string, ...string[]] {
  const address = clientAddress(c).toLowerCase();
  const [, mapped] = /^::ffff:([\d.]+)$/.exec(address) ?? [];
  const groups = mapped ? undefined : ipv6Groups(address);
  if (!groups) return [mapped ?? (address || "nowhere")];
  const prefix = (bits: number) => `${groups.slice(0, bits / 16).join(":")}::/${bits}`;
  return [prefix(64), prefix(48)];
}

/** The networks that a wrong password is counted by (src/auth/login-attempts.ts). */
export type AttemptNetworks = {
  /** An IPv4 address, or the /64 prefix of an IPv6 address. */
  network: string;
  /** The /48 prefix of an IPv6 address; null for IPv4. */
  wide_network: string | null;
};

/** The networks of a request that wrong passwords are counted by. */
export function attemptNetworks(c: Context): AttemptNetworks {
  const [network, wide_network = null] = clientNetworks(c);
  return { network, wide_network };
}
