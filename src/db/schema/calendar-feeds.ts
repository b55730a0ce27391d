import { sql } from "drizzle-orm";
import { check, index, integer, pgTable, text } from "drizzle-orm/pg-core";
import { foreignKeyTo, timestampColumn, timestampDefaultNow, uniqueKeyIndex } from "../columns.ts";
import { memberships } from "./clinics.ts";
import { doctors } from "./doctors.ts";

/** Calendars to which other programs subscribe, by an address with a secret token. */
export const calendar_feeds = pgTable(
  "calendar_feeds",
  {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    account_id: integer().notNull(),
    /** The clinic in which the account worked when it created the feed: the feed ends with that membership. */
    clinic_id: integer().notNull(),
    /** The feed has the appointments of this doctor, the account's own; null: those of the clinic. */
    doctor_id: integer(),
    label: text().notNull(),
    /** SHA-256 of the token, in hexadecimal. */
    token_hash: text().notNull(),
    created_at: timestampDefaultNow(),
    last_used_at: timestampColumn(),
    /**
     * When the account was disabled, became an auditor or was no more the doctor's: the feed does not work again after
     * that.
     */
    ended_at: timestampColumn(),
  },
  (t) => [
    foreignKeyTo(
      "calendar_feeds_membership_fkey",
      [t.clinic_id, t.account_id],
      [memberships.clinic_id, memberships.account_id],
    ).onDelete("cascade"),
    foreignKeyTo("calendar_feeds_doctor_id_fkey", [t.doctor_id], [doctors.id]).onDelete("cascade"),
    uniqueKeyIndex("calendar_feeds_token_hash_key").on(t.token_hash),
    check("calendar_feeds_token_hash_check", sql`${t.token_hash} ~ '^[0-9a-f]{64}$'`),
    check("calendar_feeds_label_check", sql`char_length(${t.label}) BETWEEN 1 AND 100`),
    index("calendar_feeds_account_id_id_idx").on(t.account_id, t.id),
    index("calendar_feeds_doctor_id_idx").on(t.doctor_id).where(sql`${t.doctor_id} IS NOT NULL`),
  ],
);
