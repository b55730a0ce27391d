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

/** An account that may send a route's request, and what that is about; nothing has been counted yet. */
export async function ready({ subject, as }: RouteRequest): Promise<{ account: Account; about: Subject }> {
  const account = await newAccount(undefined, as);
  const about = (await subject?.(account)) ?? {};
  await account.api.databaseRequests();
  return { account, about };
}
