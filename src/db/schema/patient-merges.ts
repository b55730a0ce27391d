import { index, integer, jsonb, pgTable } from "drizzle-orm/pg-core";
import { foreignKeyTo, timestampColumn, timestampDefaultNow } from "../columns.ts";
import { users } from "./accounts.ts";
import { patients } from "./patients.ts";

/** What each merge of two patients did, so that it can be undone. The cleanup job deletes it after 30 days. */
export const patient_merges = pgTable(
  "patient_merges",
  {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    survivor_id: integer().notNull(),
    merged_id: integer().notNull(),
    account_id: integer().notNull(),
    at: timestampDefaultNow(),
    /**
     * `{changes: {column: {before, after}}, moved, doubles, accesses}`: the changes of the survivor, and what
     * `merge_assignments` (drizzle/0030_merges.sql) returned.
     */
    snapshot: jsonb().notNull(),
    undone_at: timestampColumn(),
  },
  (t) => [
    foreignKeyTo("patient_merges_survivor_id_fkey", [t.survivor_id], [patients.id]).onDelete("cascade"),
    foreignKeyTo("patient_merges_merged_id_fkey", [t.merged_id], [patients.id]).onDelete("cascade"),
    foreignKeyTo("patient_merges_account_id_fkey", [t.account_id], [users.id]),
    index("patient_merges_merged_id_idx").on(t.merged_id),
    index("patient_merges_survivor_id_idx").on(t.survivor_id),
    index("patient_merges_at_idx").on(t.at),
  ],
);
