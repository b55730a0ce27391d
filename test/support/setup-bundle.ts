import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { buildProduct } from "../../bench/bundle.ts";
import "./provided.ts";

/**
 * Builds the Worker that the tests of the "local" project serve. It takes 3 s, so the "api" project, which imports
 * the source, does not wait for it. It is built once: the build also writes dist/public, and a running `wrangler dev`
 * restarts when that changes.
 */
export default async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), "hospital-bundle-"));
  const { code } = await buildProduct(folder);
  project.provide("bundle", code);
  return () => rmSync(folder, { recursive: true, force: true });
}
