import * as fc from "fast-check";
import { type Account, newAccount } from "../support/accounts.ts";
import type { RouteRequest, Subject } from "../support/route-requests.ts";

/** How long one property may be tried, its shrinking included, before what is known by then is told. */
const MOST_MS = 20_000;
/** For vitest, which would give up without telling what fast-check knows. */
export const patience = { timeout: MOST_MS + 10_000 };

/**
 * Tries a property with so many values. They are others in each run of the suite: what fails says its `seed` and `path`,
 * and is tried again by `fc.assert(…, { seed, path })`.
 */
export const tries = <Values>(property: fc.IAsyncProperty<Values>, numRuns: number): Promise<void> =>
  fc.assert(property, { numRuns, interruptAfterTimeLimit: MOST_MS, markInterruptAsFailure: false });

export interface World {
  account: Account;
  about: Subject;
}

/** An account that may send a route's request, and a subject of its own for it; database requests are counted from here on. */
export async function createWorld({ subject, as }: RouteRequest): Promise<World> {
  const account = await newAccount(undefined, as);
  const about = (await subject?.(account)) ?? {};
  await account.api.databaseRequests();
  return { account, about };
}

/** The world that `worlds` has for a route, or a new one; it is left there for the next request unless this one `changes` it. */
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
