import type { SortedById } from "./queries.ts";
import { type Records, recordMethods } from "./records.ts";
import type { Send } from "./request.ts";
import type { IdentifierSystem, IdentifierSystemChanges, NewIdentifierSystem } from "./types.ts";

/** The pages of the list of identifier systems. */
export type IdentifierSystemQuery = SortedById;

/**
 * Identifier systems: whose numbers patients have. Every account reads them; `create` and `update` are for admins. Every
 * method throws a `ProblemError` when it fails.
 */
export type IdentifierSystems = Pick<
  Records<IdentifierSystem, NewIdentifierSystem, IdentifierSystemChanges, IdentifierSystemQuery>,
  "list" | "get" | "create" | "update"
>;

/** The methods of `identifierSystems`. A system is never deleted. */
export function identifierSystemMethods(send: Send): IdentifierSystems {
  const { list, get, create, update } = recordMethods<
    IdentifierSystem,
    NewIdentifierSystem,
    IdentifierSystemChanges,
    IdentifierSystemQuery
  >(send, "api/identifier-systems/");
  return { list, get, create, update };
}
