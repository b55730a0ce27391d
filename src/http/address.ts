import type { Context } from "hono";
import type { Origin } from "../db/query/audit.ts";

/** The client's network address, as Cloudflare tells it: what a client says of itself is not asked. */
export const addressOf = (c: Context): string => c.req.header("CF-Connecting-IP") ?? "";

/** Where a request comes from, for the record. */
export const originOf = (c: Context): Origin => ({
  request_id: c.get("requestId"),
  address: addressOf(c),
});

/**
 * What attempts are counted by: an IPv4 address; of an IPv6 address the first half, for the other one is its subscriber's to
 * choose (RFC 6177). All that come from nowhere are one.
 */
export function networkOf(c: Context): string {
  const address = addressOf(c).toLowerCase();
  const [, mapped] = /^::ffff:([\d.]+)$/.exec(address) ?? [];
  if (mapped || !address.includes(":")) return mapped ?? (address || "nowhere");
  const [before = [], after = []] = address.split("::").map((part) => part.split(":").filter(Boolean));
  const zeros = Array(Math.max(0, 8 - before.length - after.length)).fill("0");
  const groups = [...before, ...zeros, ...after].slice(0, 4);
  return `${groups.map((group) => group.replace(/^0+(?=.)/, "")).join(":")}::/64`;
}
