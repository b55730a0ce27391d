import { sql } from "drizzle-orm";
import {
  bigint,
  bigserial,
  check,
  date,
  index,
  integer,
  json,
  pgTable,
  primaryKey,
  text,
  uuid,
} from "drizzle-orm/pg-core";
import { isOneOf, timestampColumn, timestampDefaultNow } from "../columns.ts";
import { outcomes, patientChangeActions } from "./codes.ts";

/** Settings of a GIN index: the size of its list of pending entries in KiB. */
const pendingList = { fastupdate: true, gin_pending_list_limit: 1024 };

/**
 * The audit log: who did what with whose data. The statement that does the work inserts the event. Nothing changes it
 * later, except that the function `erase_patient` removes the values of a patient. It has no foreign keys: it keeps names
 * and ids as they were. It is partitioned by the months of `at` in UTC. The function `audit_partitions` creates the
 * next partitions; events of a month without one go to `audit_events_default` (drizzle/0003_record.sql).
 */
export const audit_events = pgTable(
  "audit_events",
  {
    id: bigserial({ mode: "number" }),
    at: timestampDefaultNow(),
    /**
     * The account that did it, with its username and role at that time. Null when nobody was logged in, or an
     * operator did it.
     */
    account_id: integer(),
    username: text(),
    role: text(),
    session_id: uuid(),
    /** The clinic in which the account worked. Null in events from before there were clinics. */
    clinic_id: integer(),
    action: text().notNull(),
    outcome: text({ enum: outcomes }).notNull(),
    /** The patient whose data was accessed, when the request was for one patient. */
    patient_id: integer(),
    /** The patients whose data was accessed, when the request was for several. */
    patients: integer().array(),
    doctor_id: integer(),
    /** The account that was changed. */
    subject_id: integer(),
    /** The network address of the client; null when an operator did it. */
    address: text(),
    request_id: uuid(),
    /** `{field: {before, after}}` */
    changes: json(),
    reason: text(),
    /**
     * SHA-256 of `changes` as text, in hexadecimal. A trigger sets it. It stays when the values are erased, so that the
     * digest of the day remains the same. Events from before the column have none.
     */
    changes_sha256: text(),
  },
  (t) => [
    primaryKey({ name: "audit_events_pkey", columns: [t.at, t.id] }),
    index("audit_events_account_id_at_id_idx").on(t.account_id, t.at, t.id),
    index("audit_events_action_at_id_idx").on(t.action, t.at, t.id),
    index("audit_events_outcome_at_id_idx").on(t.outcome, t.at, t.id),
    // The events of one patient, and those among them that changed it: a page is one index scan, however many there are.
    index("audit_events_patient_id_at_id_idx")
      .on(t.patient_id, t.at, t.id)
      .where(sql`${t.patient_id} IS NOT NULL`),
    index("audit_events_changed_patient_id_at_id_idx")
      .on(t.patient_id, t.at, t.id)
      .where(
        sql`${t.patient_id} IS NOT NULL AND ${isOneOf(t.action, patientChangeActions)} AND ${t.outcome} = 'done'`,
      ),
    // The same for events of several patients. With `fastupdate`, entries collect in a list and are moved to the index
    // together: a page of 200 patients costs a fifth less CPU. A list of 1 MB is moved in 2 ms
    // (docs/decisions/0012-audit-events-by-patient.md).
    index("audit_events_patients_idx")
      .using("gin", t.patients)
      .with(pendingList)
      .where(sql`${t.patients} IS NOT NULL`),
    index("audit_events_changed_patients_idx")
      .using("gin", t.patients)
      .with(pendingList)
      .where(
        sql`${t.patients} IS NOT NULL AND ${isOneOf(t.action, patientChangeActions)} AND ${t.outcome} = 'done'`,
      ),
    check("audit_events_outcome_check", isOneOf(t.outcome, outcomes)),
  ],
);

/**
 * A digest for each finished day (UTC) of the audit log, by which a later change of its events is found
 * (docs/decisions/0013-audit-digests.md).
 */
export const audit_digests = pgTable(
  "audit_digests",
  {
    day: date().primaryKey(),
    /** The number of the day, for lists, whose positions are numbers. */
    id: integer().notNull().generatedAlwaysAs(sql`day - DATE '2000-01-01'`),
    events: bigint({ mode: "number" }).notNull(),
    /** The ids of the first and the last event; null on a day without events. */
    first_id: bigint({ mode: "number" }),
    last_id: bigint({ mode: "number" }),
    /** The digest of the events, in hexadecimal. */
    sha256: text().notNull(),
    /** Over the other columns and the `hmac` of the day before, by a key that the database does not have. */
    hmac: text().notNull(),
    /** By the clock of the Worker. */
    closed_at: timestampColumn().notNull(),
  },
  (t) => [
    index("audit_digests_id_idx").on(t.id),
    check("audit_digests_sha256_check", sql`${t.sha256} ~ '^[0-9a-f]{64}$'`),
    check("audit_digests_hmac_check", sql`${t.hmac} ~ '^[0-9a-f]{64}$'`),
  ],
);
