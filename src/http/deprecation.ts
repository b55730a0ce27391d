import { createMiddleware } from "hono/factory";

/**
 * A middleware for a deprecated path: all its responses, errors too, say since when it is deprecated (RFC 9745) and
 * what replaces it (RFC 5829). It comes before `requireAccount`, which may respond itself.
 *
 * @param since the date, such as `2026-11-27`.
 * @param successorOf the path that replaces a path; `undefined` when it is malformed, because a header repeats no text
 *   of a client.
 */
export function deprecatePath(since: string, successorOf: (path: string) => string | undefined) {
  const seconds = Date.parse(since) / 1000;
  return createMiddleware(async (c, next) => {
    await next();
    const { headers } = c.res;
    headers.set("Deprecation", `@${seconds}`);
    const successor = successorOf(new URL(c.req.url).pathname);
    if (successor) headers.set("Link", `<${successor}>; rel="successor-version"`);
  });
}
