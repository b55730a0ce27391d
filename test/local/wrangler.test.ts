import { join } from "node:path";
import { expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";

const config = unstable_readConfig({ config: join(import.meta.dirname, "..", "..", "wrangler.toml") });

test("Cloudflare's own request log is off: it would contain URLs", () => {
  expect(config.observability?.logs?.invocation_logs).toBe(false);
});

test("a deployment registers nobody without an invitation", () => {
  expect(config.vars).toEqual({ REGISTRATION: "invitation" });
});

test("versions that are not deployed have no public URL", () => {
  expect(config.preview_urls).toBe(false);
});

test("the eight rate limiters have namespaces of their own", () => {
  const namespaces = config.ratelimits.map((limiter: { namespace_id: string }) => limiter.namespace_id);
  expect(namespaces).toHaveLength(8);
  expect(new Set(namespaces).size).toBe(namespaces.length);
});
