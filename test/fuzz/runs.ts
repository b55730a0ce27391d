import * as fc from "fast-check";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import type { RouteRequest, RouteSubject } from "../support/route-requests.ts";

/**
 * The most time that one property is checked, including shrinking; then fast-check reports what it has found so far.
 */
const MOST_MS = 20_000;
/** More than that for vitest, which would end the test without the report of fast-check. */
export const propertyTimeout = { timeout: MOST_MS + 10_000 };

/**
 * Checks a property with `numRuns` random values, which differ in each run of the suite. A failure prints its `seed`
 * and `path`; `fc.assert(…, { seed, path })` repeats it.
 */
export const checkProperty = <Values>(property: fc.IAsyncProperty<Values>, numRuns: number): Promise<void> =>
  fc.assert(property, { numRuns, interruptAfterTimeLimit: MOST_MS, markInterruptAsFailure: false });

export interface World {
  account: TestAccount;
  about: RouteSubject;
}

/**
 * An account that may send a route's request, and a subject of its own for it; database requests are counted from
 * here on.
 */
export async function createWorld({ subject, as }: RouteRequest): Promise<World> {
  const account = await newAccount(undefined, as);
  const about = (await subject?.(account)) ?? {};
  await account.api.databaseRequests();
  return { account, about };
}

/**
 * The world that `worlds` has for a route, or a new one; it is left there for the next request unless this one
 * `changes` it.
 */
export async function enterWorld(
  worlds: Map<string, World>,
  request: RouteRequest,
  changes: boolean,
): Promise<World> {
  const world = worlds.get(request.route) ?? (await createWorld(request));
  if (changes) worlds.delete(request.route);
  else worlds.set(request.route, world);
  return world;
}
