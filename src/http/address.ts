import type { Context } from "hono";

/** The client's network address, as Cloudflare tells it: what a client says of itself is not asked. */
export const addressOf = (c: Context): string => c.req.header("CF-Connecting-IP") ?? "";
