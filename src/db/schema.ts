import { sql } from "drizzle-orm";
import {
  bigserial,
  boolean,
  check,
  index,
  integer,
  json,
  type PgTableExtraConfigValue,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
  uuid,
} from "drizzle-orm/pg-core";
import {
  bytewiseText,
  caseFolded,
  emailCheck,
  foreignKeyTo,
  indexKey,
  isOneOf,
  nameSearchColumns,
  textCheck,
  timestampColumn,
  timestampDefaultNow,
  uniqueKeyIndex,
  versionColumn,
} from "./columns.ts";
import type { UniqueConstraint } from "./errors.ts";

// Keys are the column names are the wire names: a row crosses all three without being renamed.

export const roles = ["clinician", "admin"] as const;
export const genders = ["M", "F", "O", "U"] as const;
export const specializations = ["CARD", "DERM", "NEUR", "ORTH", "PED", "GEN"] as const;
/** What changes a patient, or whose it is, or who looks after it: its history. */
export const patientChanges = [
  ...["create", "import", "update", "delete", "restore"],
  ...["transfer", "assign", "unassign"],
] as const;
/** How what is on record ended; `refused` when the caller may not, or when what it asked for was not to be had. */
export const outcomes = ["done", "not_found", "refused"] as const;

/** Accounts. One is never deleted, only disabled: records point at who made them. */
export const users = pgTable(
  "users",
  {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    username: text().notNull(),
    email: text().notNull(),
    password_hash: text().notNull(),
    role: text({ enum: roles }).notNull().default("clinician"),
    /** A disabled account is refused from its next request on. */
    active: boolean().notNull().default(true),
    /** Raised to make every token and session of the account worthless at once. */
    token_version: integer().notNull().default(1),
    /** Raised with each new password: a session that was opened with an older one is over, whenever it was opened. */
    password_version: integer().notNull().default(1),
    /** Whether its password was hashed without the space around it, as it once was. */
    password_trimmed: boolean().notNull().default(false),
    /** Whether its password is an operator's, who has told it to somebody: it may do nothing but change that. */
    must_change_password: boolean().notNull().default(false),
    /** The doctor whose own account it is: it reads that doctor's patients. */
    doctor_id: integer(),
    created_at: timestampDefaultNow(),
    updated_at: timestampDefaultNow(),
  },
  (t): PgTableExtraConfigValue[] => [
    foreignKeyTo("users_doctor_id_fkey", [t.doctor_id], [doctors.id]).onDelete("set null"),
    index("users_doctor_id_idx").on(t.doctor_id),
    uniqueKeyIndex("users_username_key").on(caseFolded(t.username)),
    check("users_username_check", sql`${t.username} ~ '^[A-Za-z0-9@.+_-]{1,150}$'`),
    check("users_email_check", emailCheck(t.email, 254)),
    check("users_password_hash_check", sql`char_length(${t.password_hash}) = 60`),
    check("users_role_check", isOneOf(t.role, roles)),
  ],
);

/** One login and all that was refreshed from it. Of an account there are 50, the newest (drizzle/0005_who_gets_in.sql). */
export const sessions = pgTable(
  "sessions",
  {
    id: uuid().primaryKey().defaultRandom(),
    user_id: integer().notNull(),
    /** The account's at login: a session from before it was raised is over. */
    token_version: integer().notNull(),
    /** That of the password that it was opened with, or that was set in it. */
    password_version: integer().notNull().default(1),
    created_at: timestampDefaultNow(),
    /** When it was logged in, or last refreshed. */
    last_used_at: timestampDefaultNow(),
    expires_at: timestampColumn().notNull(),
    ended_at: timestampColumn(),
    /** What its client called itself when it logged in. */
    user_agent: text(),
  },
  (t) => [
    foreignKeyTo("sessions_user_id_fkey", [t.user_id], [users.id]).onDelete("cascade"),
    index("sessions_user_id_expires_at_idx").on(t.user_id, t.expires_at),
    check("sessions_user_agent_check", sql`char_length(${t.user_agent}) <= 256`),
  ],
);

/** Refresh tokens, spent ones too, so that one used again is recognised. */
export const refresh_tokens = pgTable(
  "refresh_tokens",
  {
    /** SHA-256 of the token, in hexadecimal; the token itself is nowhere. */
    token_hash: text().primaryKey(),
    session_id: uuid().notNull(),
    created_at: timestampDefaultNow(),
    spent_at: timestampColumn(),
  },
  (t) => [
    foreignKeyTo("refresh_tokens_session_id_fkey", [t.session_id], [sessions.id]).onDelete("cascade"),
    check("refresh_tokens_token_hash_check", sql`${t.token_hash} ~ '^[0-9a-f]{64}$'`),
    index("refresh_tokens_session_id_idx").on(t.session_id),
  ],
);

/** Who is asked to register, by an admin; until it has, or the invitation runs out. */
export const invitations = pgTable(
  "invitations",
  {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    email: text().notNull(),
    role: text({ enum: roles }).notNull(),
    /** SHA-256 of the code, in hexadecimal; the code itself is nowhere. */
    code_hash: text().notNull(),
    created_by: integer().notNull(),
    created_at: timestampDefaultNow(),
    expires_at: timestampColumn().notNull(),
  },
  (t) => [
    foreignKeyTo("invitations_created_by_fkey", [t.created_by], [users.id]),
    unique("invitations_code_hash_key" satisfies UniqueConstraint).on(t.code_hash),
    check("invitations_email_check", emailCheck(t.email, 254)),
    check("invitations_role_check", isOneOf(t.role, roles)),
    check("invitations_code_hash_check", sql`${t.code_hash} ~ '^[0-9a-f]{64}$'`),
  ],
);

/**
 * Attempts to log in that have failed, of late. An account's own networks, which it has logged in from before, are counted
 * each for itself; all others together, with no `network`; and each network, over all accounts, with no `username`.
 */
export const login_attempts = pgTable(
  "login_attempts",
  {
    /** In lower case; of an account that need not exist. */
    username: bytewiseText().notNull(),
    /** An IPv4 address, or the first half of an IPv6 address. */
    network: bytewiseText().notNull(),
    failures: integer().notNull(),
    failed_at: timestampColumn().notNull(),
    /** Until when no more are let through. */
    blocked_until: timestampColumn().notNull(),
    /** When the account last logged in from this network: it is one of its own then. */
    logged_in_at: timestampColumn(),
  },
  (t) => [
    primaryKey({ name: "login_attempts_pkey", columns: [t.username, t.network] }),
    index("login_attempts_failed_at_idx").on(t.failed_at),
    check("login_attempts_failures_check", sql`${t.failures} >= 0`),
  ],
);

export const patients = pgTable(
  "patients",
  {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    firstname: text().notNull(),
    lastname: text().notNull(),
    email: text().notNull(),
    age: smallint().notNull(),
    gender: text({ enum: genders }).notNull(),
    created_by: integer().notNull(),
    created_at: timestampDefaultNow(),
    updated_at: timestampDefaultNow(),
    version: versionColumn(),
    ...nameSearchColumns(),
    /** The account whose patient it is: its creator, until it is handed over. Null while it is deleted: nobody's. */
    owner_id: integer(),
    /** Whose it was when it was deleted, and will be again when it is restored. */
    deleted_from: integer(),
    deleted_at: timestampColumn(),
  },
  (t) => [
    foreignKeyTo("patients_created_by_fkey", [t.created_by], [users.id]),
    foreignKeyTo("patients_owner_id_fkey", [t.owner_id], [users.id]),
    foreignKeyTo("patients_deleted_from_fkey", [t.deleted_from], [users.id]),
    // The email first: no other index than the next may offer itself for an account's patients, and have them sorted.
    uniqueKeyIndex("patients_owner_id_email_key").on(caseFolded(t.email), t.owner_id),
    // Pages of one account's patients in order of id; also what mappings_patient_fkey points at.
    unique("patients_owner_id_id_key" satisfies UniqueConstraint).on(t.owner_id, t.id),
    index("patients_owner_id_last_first_id_idx").on(indexKey(t.owner_id, "bigint"), t.last_first, t.id),
    index("patients_owner_id_created_at_id_idx").on(indexKey(t.owner_id, "negative"), t.created_at, t.id),
    ...[
      index("patients_deleted_from_id_idx").on(t.deleted_from, t.id),
      index("patients_deleted_from_last_first_id_idx").on(
        indexKey(t.deleted_from, "bigint"),
        t.last_first,
        t.id,
      ),
      index("patients_deleted_from_created_at_id_idx").on(
        indexKey(t.deleted_from, "negative"),
        t.created_at,
        t.id,
      ),
      index("patients_deleted_at_idx").on(t.deleted_at),
    ].map((of) => of.where(sql`${t.deleted_at} IS NOT NULL`)),
    check(
      "patients_deleted_at_check",
      sql`num_nulls(${t.deleted_at}, ${t.deleted_from}) IN (0, 2) AND num_nulls(${t.owner_id}, ${t.deleted_at}) = 1`,
    ),
    check("patients_firstname_check", textCheck(t.firstname, 64)),
    check("patients_lastname_check", textCheck(t.lastname, 64)),
    check("patients_email_check", emailCheck(t.email, 128)),
    check("patients_age_check", sql`${t.age} BETWEEN 0 AND 120`),
    check("patients_gender_check", isOneOf(t.gender, genders)),
  ],
);

export const doctors = pgTable(
  "doctors",
  {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    firstname: text().notNull(),
    lastname: text().notNull(),
    email: text().notNull(),
    gender: text({ enum: genders }).notNull(),
    specialization: text({ enum: specializations }).notNull(),
    max_appointments_per_day: integer().notNull().default(10),
    /** One who has retired gets no new patients, and keeps those that there are. */
    active: boolean().notNull().default(true),
    created_by: integer().notNull(),
    created_at: timestampDefaultNow(),
    updated_at: timestampDefaultNow(),
    version: versionColumn(),
    ...nameSearchColumns(),
  },
  (t) => [
    foreignKeyTo("doctors_created_by_fkey", [t.created_by], [users.id]),
    uniqueKeyIndex("doctors_email_key").on(caseFolded(t.email)),
    index("doctors_last_first_id_idx").on(t.last_first, t.id),
    index("doctors_created_at_id_idx").on(t.created_at, t.id),
    check("doctors_firstname_check", textCheck(t.firstname, 64)),
    check("doctors_lastname_check", textCheck(t.lastname, 64)),
    check("doctors_email_check", emailCheck(t.email, 128)),
    check("doctors_gender_check", isOneOf(t.gender, genders)),
    check("doctors_specialization_check", isOneOf(t.specialization, specializations)),
    check("doctors_max_appointments_per_day_check", sql`${t.max_appointments_per_day} BETWEEN 0 AND 1000`),
  ],
);

/** Assignments: which doctor looks after which patient. */
export const assignments = pgTable(
  "mappings",
  {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    patient_id: integer().notNull(),
    /** The patient's, kept equal to it by the foreign key and a trigger, so that a page of one account's is one index scan. */
    owner_id: integer(),
    doctor_id: integer().notNull(),
    assigned_at: timestampDefaultNow(),
    /** The doctor, unless the patient is deleted: an assignment that nobody sees keeps no doctor from being deleted. */
    current_doctor_id: integer().generatedAlwaysAs(sql`CASE WHEN owner_id IS NOT NULL THEN doctor_id END`),
  },
  (t) => [
    foreignKeyTo(
      "mappings_patient_fkey",
      [t.owner_id, t.patient_id],
      [patients.owner_id, patients.id],
    ).onUpdate("cascade"),
    foreignKeyTo("mappings_patient_id_fkey", [t.patient_id], [patients.id]).onDelete("cascade"),
    foreignKeyTo("mappings_doctor_fkey", [t.current_doctor_id], [doctors.id]),
    unique("mappings_patient_id_doctor_id_key" satisfies UniqueConstraint).on(t.patient_id, t.doctor_id),
    index("mappings_owner_id_id_idx").on(t.owner_id, t.id),
    index("mappings_owner_id_assigned_at_id_idx").on(indexKey(t.owner_id, "negative"), t.assigned_at, t.id),
    index("mappings_owner_id_patient_id_id_idx").on(indexKey(t.owner_id, "bigint"), t.patient_id, t.id),
    index("mappings_doctor_owner_id_id_idx").on(t.current_doctor_id, t.owner_id, t.id),
    index("mappings_doctor_owner_id_patient_id_idx").on(
      indexKey(t.current_doctor_id, "bigint"),
      t.owner_id,
      t.patient_id,
    ),
    // Of all accounts, for admins.
    index("mappings_doctor_id_idx").on(indexKey(t.current_doctor_id, "negative"), t.id),
    index("mappings_doctor_assigned_at_id_idx").on(
      indexKey(t.current_doctor_id, "negativeBigint"),
      t.assigned_at,
      t.id,
    ),
    // For the doctor's own account.
    index("mappings_doctor_patient_id_idx").on(indexKey(t.current_doctor_id, "plusZero"), t.patient_id),
  ],
);

/** Until when an admin may read a patient of somebody else's, having said why: the reason is on record. */
export const emergency_accesses = pgTable(
  "emergency_accesses",
  {
    account_id: integer().notNull(),
    patient_id: integer().notNull(),
    expires_at: timestampColumn().notNull(),
  },
  (t) => [
    primaryKey({ name: "emergency_accesses_pkey", columns: [t.account_id, t.patient_id] }),
    foreignKeyTo("emergency_accesses_account_id_fkey", [t.account_id], [users.id]).onDelete("cascade"),
    foreignKeyTo("emergency_accesses_patient_id_fkey", [t.patient_id], [patients.id]).onDelete("cascade"),
    index("emergency_accesses_patient_id_idx").on(t.patient_id),
    index("emergency_accesses_expires_at_idx").on(t.expires_at),
  ],
);

/** What was answered to requests that make something, by the keys that their clients gave them; for a day. */
export const idempotency_keys = pgTable(
  "idempotency_keys",
  {
    account_id: integer().notNull(),
    key: bytewiseText().notNull(),
    /** SHA-256 of what was asked for, in hexadecimal. */
    fingerprint: text().notNull(),
    /** The id of the one record that was made; null when there were several. */
    record_id: integer(),
    /** The body of the answer. */
    answer: text().notNull(),
    created_at: timestampDefaultNow(),
  },
  (t) => [
    primaryKey({ name: "idempotency_keys_pkey", columns: [t.account_id, t.key] }),
    foreignKeyTo("idempotency_keys_account_id_fkey", [t.account_id], [users.id]).onDelete("cascade"),
    check("idempotency_keys_key_check", sql`${t.key} ~ '^[!-~]{1,255}$'`),
    check("idempotency_keys_fingerprint_check", sql`${t.fingerprint} ~ '^[0-9a-f]{64}$'`),
    index("idempotency_keys_created_at_idx").on(t.created_at),
  ],
);

/**
 * The record: who did what with whose data. Written once, by the statement that does it, and never changed: it points at
 * nothing, and keeps what it names as it was. Partitioned by the months of `at` in UTC; `audit_partitions` makes the next
 * ones, and what is of no month that there is goes to `audit_events_default` (drizzle/0003_record.sql).
 */
export const audit_events = pgTable(
  "audit_events",
  {
    id: bigserial({ mode: "number" }),
    at: timestampDefaultNow(),
    /** Who: null when it was nobody that we know, or an operator at the database itself. */
    account_id: integer(),
    username: text(),
    role: text(),
    session_id: uuid(),
    action: text().notNull(),
    outcome: text({ enum: outcomes }).notNull(),
    /** Whose data: all the patients that an answer shows, or the one that was asked for. */
    patients: integer().array(),
    doctor_id: integer(),
    /** The account that something was done to. */
    subject_id: integer(),
    /** Where it came from; null when an operator did it. */
    address: text(),
    request_id: uuid(),
    /** `{field: {before, after}}` */
    changes: json(),
    reason: text(),
  },
  (t) => [
    primaryKey({ name: "audit_events_pkey", columns: [t.at, t.id] }),
    index("audit_events_account_id_at_id_idx").on(t.account_id, t.at, t.id),
    index("audit_events_action_at_id_idx").on(t.action, t.at, t.id),
    index("audit_events_outcome_at_id_idx").on(t.outcome, t.at, t.id),
    // Written at once: a list of pending entries would be some unlucky request's to clear.
    index("audit_events_patients_idx").using("gin", t.patients).with({ fastupdate: false }),
    // So written, for the index of outcomes not to offer itself beside it.
    index("audit_events_changed_patients_idx")
      .using("gin", t.patients)
      .with({ fastupdate: false })
      .where(sql`${isOneOf(t.action, patientChanges)} AND ${t.outcome} IS NOT DISTINCT FROM 'done'`),
    check("audit_events_outcome_check", isOneOf(t.outcome, outcomes)),
  ],
);
