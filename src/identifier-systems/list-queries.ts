import { sql } from "drizzle-orm";
import { defineList } from "../db/query/list.ts";
import { identifierSystemJson } from "./queries.ts";
import type { IdentifierSystem } from "./responses.ts";

/** All identifier systems. Not audited: they are no data of patients. */
export const listIdentifierSystems = defineList<IdentifierSystem>({
  name: "identifier-systems/list",
  routes: "GET /api/identifier-systems",
  alias: "sy",
  json: identifierSystemJson,
  filters: {},
  sorts: { id: { order: ["sy.id"], scans: [{ from: sql`identifier_systems sy` }] } },
});
