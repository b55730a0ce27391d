import { sql } from "drizzle-orm";
import { check, customType, index, integer, pgTable, smallint, uuid } from "drizzle-orm/pg-core";
import { bytewiseText, isOneOf, timestampDefaultNow } from "../columns.ts";

// What the change feed reads (docs/decisions/0015-change-feed.md).

/** The id of a transaction with its epoch: it does not wrap around. */
const transactionId = customType<{ data: string }>({ dataType: () => "xid8" });

/** The kinds of records. The table stores the position in this array, counted from 1. */
export const recordKinds = ["patient", "doctor", "assignment", "appointment"] as const;

/** For how many days a cursor of the change feed is valid. */
export const CURSOR_DAYS = 90;

/**
 * Who sees a change: a clinic (`account`: a personal one has the id of its account), the own account of a doctor, or
 * every account.
 */
const audiences = ["account", "doctor", "everybody"] as const;

/**
 * That a record was created, changed or deleted, or came to an audience or left it. Triggers insert the rows
 * (drizzle/0028_record_changes.sql); none is ever updated. What became of the record is not here: the feed reads its
 * current state.
 */
export const record_changes = pgTable(
  "record_changes",
  {
    audience: bytewiseText().notNull(),
    /** The id of the clinic or the doctor; 0 for everybody. */
    audience_id: integer().notNull(),
    /** The transaction that made the change. */
    xact: transactionId().notNull().default(sql`pg_current_xact_id()`),
    kind: smallint().notNull(),
    record_id: integer().notNull(),
    /** The version that the record had then. */
    version: integer().notNull(),
    at: timestampDefaultNow(),
  },
  (t) => [
    check("record_changes_audience_check", isOneOf(t.audience, audiences)),
    check("record_changes_kind_check", sql`${t.kind} BETWEEN 1 AND 4`),
    index("record_changes_audience_idx").on(t.audience, t.audience_id, t.xact, t.kind, t.record_id),
    // The changes of the patients of a doctor's own account.
    index("record_changes_patient_xact_idx").on(t.record_id, t.xact).where(sql`${t.kind} = 1`),
    index("record_changes_at_idx").on(t.at),
  ],
);

/** One row: what tells this database from the one that it was restored from. A cursor of the feed holds it. */
export const change_feed = pgTable(
  "change_feed",
  {
    id: integer().primaryKey().default(1),
    epoch: uuid().notNull().defaultRandom(),
    started_at: timestampDefaultNow(),
  },
  (t) => [check("change_feed_id_check", sql`${t.id} = 1`)],
);
