import { Hono } from "hono";
import { requireAccount } from "../auth/require-account.ts";
import { isViolationOf } from "../db/errors.ts";
import type { Caller } from "../db/query/caller.ts";
import type { AppEnv } from "../http/context.ts";
import { Problem, requireAdmin } from "../http/problems.ts";
import { getHandlers, listHandlers, postHandlers, updateHandlers } from "../http/resource-handlers.ts";
import { listIdentifierSystems } from "./list-queries.ts";
import { createIdentifierSystem, findIdentifierSystem, updateIdentifierSystem } from "./queries.ts";
import { IdentifierSystemChanges, IdentifierSystemsQuery, NewIdentifierSystem } from "./requests.ts";

/** @throws {Problem} 403 unless the caller is an admin */
async function createAsAdmin(caller: Caller, values: { record: object }, key: string | undefined) {
  const result = await createIdentifierSystem(caller, values, key);
  requireAdmin(result.isAdmin, "create identifier systems");
  return result;
}

/** @throws {Problem} 409 when patients have identifiers of a system that is to get another name */
const updateUnused: typeof updateIdentifierSystem = (caller, values) =>
  updateIdentifierSystem(caller, values).catch((error: unknown) => {
    if (!isViolationOf(error, "patient_identifiers_system_fkey")) throw error;
    throw new Problem(
      "identifier_system_used",
      "Patients have identifiers of this system, so it keeps its name. Nothing was changed.",
    );
  });

const path = "/api/identifier-systems";

export const identifierSystemRoutes = new Hono<AppEnv>()
  .use(requireAccount)
  .get("/", ...listHandlers(IdentifierSystemsQuery, listIdentifierSystems))
  .post("/", ...postHandlers(path, NewIdentifierSystem, createAsAdmin, "identifier_systems_name_key"))
  .get("/:id", ...getHandlers("identifier system", findIdentifierSystem))
  .patch(
    "/:id",
    ...updateHandlers(
      "identifier system",
      IdentifierSystemChanges,
      updateUnused,
      "identifier_systems_name_key",
    ),
  );
