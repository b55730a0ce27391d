import { join } from "node:path";
import { expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";

const config = unstable_readConfig({ config: join(import.meta.dirname, "..", "..", "wrangler.toml") });

test("Cloudflare keeps no log of its own of our requests: it would hold their URLs", () => {
  expect(config.observability?.logs?.invocation_logs).toBe(false);
});

test("a version that is not deployed, or not any more, has no public URL", () => {
  expect(config.preview_urls).toBe(false);
});

test("each rate limiter counts for itself", () => {
  const namespaces = config.ratelimits.map((limiter: { namespace_id: string }) => limiter.namespace_id);
  expect(namespaces).toHaveLength(5);
  expect(new Set(namespaces).size).toBe(namespaces.length);
});
