import type { Context } from "hono";
import type { Origin } from "../db/audit.ts";

/** The client's network address, as Cloudflare tells it: what a client says of itself is not asked. */
export const addressOf = (c: Context): string => c.req.header("CF-Connecting-IP") ?? "";

/** Where a request comes from, for the record. */
export const originOf = (c: Context): Origin => ({
  request_id: c.get("requestId"),
  address: addressOf(c),
});
