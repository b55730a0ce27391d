import { sql } from "drizzle-orm";
import { adminOutcome } from "../db/query/steps/caller.ts";
import { isoTimestamp, jsonObject } from "../db/query/steps/json.ts";
import { defineList } from "../db/query/steps/list.ts";
import { can } from "../db/query/steps/permissions.ts";
import { param } from "../db/query/steps/statement.ts";
import { users } from "../db/schema.ts";
import type { AccountDetails } from "./responses.ts";

const search = sql`lower(${param("search")}::text)`;
const accountColumns = sql`
  ${users.id}, ${users.username}, ${users.email}, ${users.role}, ${users.active}, ${users.doctor_id} AS doctor,
  ${isoTimestamp(users.created_at)} AS created_at`;

/** All accounts, for admins. */
export const listAccounts = defineList<AccountDetails>(() => ({
  table: users,
  json: sql`${jsonObject(accountColumns)}::text`,
  sorts: { id: { table: users, order: [users.id] } },
  filters: {
    role: sql`${users.role} = ${param("role")}`,
    active: sql`${users.active} = ${param("active")}`,
    search: sql`(starts_with(lower(${users.username}), ${search}) OR starts_with(lower(${users.email}), ${search}))`,
  },
  isAllowed: can("accounts:manage"),
  auditEvent: () => ({ action: "list_accounts", outcome: adminOutcome(sql`'done'`) }),
}));
