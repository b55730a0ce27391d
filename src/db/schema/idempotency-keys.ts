import { sql } from "drizzle-orm";
import { check, index, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { bytewiseText, foreignKeyTo, timestampDefaultNow } from "../columns.ts";
import { users } from "./accounts.ts";

/** The responses to requests with an idempotency key, for retries. The cleanup job deletes them after 24 hours. */
export const idempotency_keys = pgTable(
  "idempotency_keys",
  {
    account_id: integer().notNull(),
    /** The key. In a shared clinic the id of the clinic and a blank come before it: each clinic has keys of its own. */
    key: bytewiseText().notNull(),
    /** SHA-256 of the request in hexadecimal: a key cannot be used again for a different request. */
    fingerprint: text().notNull(),
    /** The id of the record that was created; null for an import, which creates several. */
    record_id: integer(),
    /** The body of the response. */
    answer: text().notNull(),
    /** The patients that the new one looked like, as the response named them. */
    duplicates: integer().array(),
    created_at: timestampDefaultNow(),
  },
  (t) => [
    primaryKey({ name: "idempotency_keys_pkey", columns: [t.account_id, t.key] }),
    foreignKeyTo("idempotency_keys_account_id_fkey", [t.account_id], [users.id]).onDelete("cascade"),
    check("idempotency_keys_key_check", sql`${t.key} ~ '^([0-9]+ )?[!-~]{1,255}$'`),
    check("idempotency_keys_fingerprint_check", sql`${t.fingerprint} ~ '^[0-9a-f]{64}$'`),
    index("idempotency_keys_created_at_idx").on(t.created_at),
  ],
);
