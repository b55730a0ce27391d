import { sql } from "drizzle-orm";
import { emailKey } from "../db/columns.ts";
import { permittedOutcome } from "../db/query/audit.ts";
import { jsonObject } from "../db/query/json.ts";
import { defineList } from "../db/query/list.ts";
import { can } from "../db/query/permissions.ts";
import { param } from "../db/statement.ts";
import { accountColumns } from "./queries.ts";
import type { AccountDetails } from "./responses.ts";

const role = sql`${param("role")}::text`;
const active = sql`${param("active")}::boolean`;
const search = sql`${param("search")}::text`;

/** All accounts, for admins and auditors. */
export const listAccounts = defineList<AccountDetails>({
  name: "accounts/list",
  routes: "GET /api/accounts",
  alias: "u",
  json: sql`${jsonObject(accountColumns)}::text`,
  filters: {
    role: sql`(${role} IS NULL OR u.role = ${role})`,
    active: sql`(${active} IS NULL OR u.active = ${active})`,
    search: sql`(${search} IS NULL OR starts_with(lower(u.username COLLATE "C"), lower(${search} COLLATE "C")) OR starts_with(${emailKey(sql`u.email`)}, ${emailKey(search)}))`,
  },
  sorts: { id: { order: ["u.id"], scans: [{ from: sql`users u` }] } },
  isAllowed: can("accounts:read"),
  acceptsAuditors: true,
  auditEvent: { columns: { action: "list_accounts", outcome: permittedOutcome(can("accounts:read")) } },
});
