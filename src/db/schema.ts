import { sql } from "drizzle-orm";
import {
  bigint,
  bigserial,
  boolean,
  check,
  date,
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
  emailKey,
  foreignKeyTo,
  isOneOf,
  nameSearchColumns,
  olderNameColumns,
  textCheck,
  timestampColumn,
  timestampDefaultNow,
  uniqueKeyIndex,
  versionColumn,
} from "./columns.ts";
import type { UniqueConstraint } from "./errors.ts";

// All tables in one file, because accounts and doctors refer to each other. Column names are the same in TypeScript,
// PostgreSQL and JSON. drizzle/*.sql creates what Drizzle cannot express: triggers, functions and the partitions of
// the audit log. After a change here, generate a migration with `npm run db:generate`; .ci/run checks that none is
// missing.

/** The roles of accounts. An auditor reads the audit log and accounts, and nothing else. */
export const roles = ["clinician", "admin", "auditor"] as const;
export const genders = ["M", "F", "O", "U"] as const;
export const specializations = ["CARD", "DERM", "NEUR", "ORTH", "PED", "GEN"] as const;
/** The audit actions in a patient's history: changes of its fields, its owner or its doctors. */
export const patientChangeActions = [
  ...["create", "import", "update", "delete", "restore"],
  ...["transfer", "assign", "unassign"],
] as const;
/**
 * The outcome of an audit event. `refused`: the caller lacks the permission, or the request could not be fulfilled.
 */
export const outcomes = ["done", "not_found", "refused"] as const;

/** Accounts. They are never deleted, only disabled, because the records they created refer to them. */
export const users = pgTable(
  "users",
  {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    username: text().notNull(),
    email: text().notNull(),
    /** bcrypt, 60 characters. */
    password_hash: text().notNull(),
    /**
     * Whether bcrypt got the SHA-512 of the password, as since version 1.2, and not the password itself
     * (src/auth/passwords.ts). The next login replaces an older hash.
     */
    password_prehashed: boolean().notNull().default(false),
    role: text({ enum: roles }).notNull().default("clinician"),
    /** An account that is not active is refused from its next request on. */
    active: boolean().notNull().default(true),
    /** Incremented to invalidate all tokens and sessions of the account at once. */
    token_version: integer().notNull().default(1),
    /**
     * Incremented with each new password. A session with an older version is invalid, even if it was created after
     * the change.
     */
    password_version: integer().notNull().default(1),
    /** Whether the password may have been trimmed before it was hashed, as an earlier version did. */
    password_trimmed: boolean().notNull().default(false),
    /** Whether an operator has set the password: until it is changed, the account can do nothing else. */
    must_change_password: boolean().notNull().default(false),
    /**
     * When the password that an operator has set expires. It counts only while `must_change_password` is true: a new
     * password does not expire.
     */
    password_expires_at: timestampColumn(),
    /** Until when the account is refused, because it has asked for too many patients that are not there for it. */
    probing_until: timestampColumn(),
    /** The doctor whose own account this is: it can read the doctor's patients. Null for most accounts. */
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

/**
 * Sessions: each login creates one, and so does a change of the password. A trigger keeps the 50 newest of an account
 * (drizzle/0005_who_gets_in.sql).
 */
export const sessions = pgTable(
  "sessions",
  {
    id: uuid().primaryKey().defaultRandom(),
    user_id: integer().notNull(),
    /** `users.token_version` when it was created. The session is invalid when they differ. */
    token_version: integer().notNull(),
    /** `users.password_version` when it was created. The session is invalid when they differ. */
    password_version: integer().notNull().default(1),
    created_at: timestampDefaultNow(),
    /** When it was created or last refreshed. */
    last_used_at: timestampDefaultNow(),
    expires_at: timestampColumn().notNull(),
    /** When it was ended before `expires_at`. */
    ended_at: timestampColumn(),
    /** The `User-Agent` header of the request that created it. */
    user_agent: text(),
    /** The client's network address and `User-Agent` header at `last_used_at`. */
    last_address: text(),
    last_user_agent: text(),
  },
  (t) => [
    foreignKeyTo("sessions_user_id_fkey", [t.user_id], [users.id]).onDelete("cascade"),
    index("sessions_user_id_expires_at_idx").on(t.user_id, t.expires_at),
    check("sessions_user_agent_check", sql`char_length(${t.user_agent}) <= 256`),
    check("sessions_last_user_agent_check", sql`char_length(${t.last_user_agent}) <= 256`),
  ],
);

/**
 * Refresh tokens, including used ones: a token that is used again may be stolen, and ends its session (refresh-token
 * rotation).
 */
export const refresh_tokens = pgTable(
  "refresh_tokens",
  {
    /** SHA-256 of the token in hexadecimal. The token itself is not stored. */
    token_hash: text().primaryKey(),
    session_id: uuid().notNull(),
    created_at: timestampDefaultNow(),
    /** When it was first exchanged for new tokens. */
    spent_at: timestampColumn(),
    /** The hash of the token that it was exchanged for. Null also when an earlier version exchanged it. */
    successor_hash: text(),
  },
  (t) => [
    foreignKeyTo("refresh_tokens_session_id_fkey", [t.session_id], [sessions.id]).onDelete("cascade"),
    check("refresh_tokens_token_hash_check", sql`${t.token_hash} ~ '^[0-9a-f]{64}$'`),
    check("refresh_tokens_successor_hash_check", sql`${t.successor_hash} ~ '^[0-9a-f]{64}$'`),
    index("refresh_tokens_session_id_idx").on(t.session_id),
  ],
);

/** Invitations to register, from admins and operators. A used one is deleted at once, an expired one by the cleanup job. */
export const invitations = pgTable(
  "invitations",
  {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    email: text().notNull(),
    role: text({ enum: roles }).notNull(),
    /** SHA-256 of the code in hexadecimal. The code itself is not stored. */
    code_hash: text().notNull(),
    /** The admin's account. Null: an operator's invitation. */
    created_by: integer(),
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
 * Counters of failed login attempts (src/auth/login-attempts.ts). An account has one for each of its own networks,
 * which it has logged in from before, and one with an empty `network` for all others together. A network has one for
 * all accounts, with an empty `username`, and so has the /48 prefix of an IPv6 network.
 */
export const login_attempts = pgTable(
  "login_attempts",
  {
    /** In lower case. There may be no account with this username. */
    username: bytewiseText().notNull(),
    /** An IPv4 address, or the /64 or /48 prefix of an IPv6 address. */
    network: bytewiseText().notNull(),
    failures: integer().notNull(),
    failed_at: timestampColumn().notNull(),
    /** When the lockout ends. */
    blocked_until: timestampColumn().notNull(),
    /** How many attempts were refused during the current lockout. */
    refused: integer().notNull().default(0),
    /** The same of the lockout that ended before the last attempt that was admitted. */
    refused_before: integer().notNull().default(0),
    /** When the account last logged in from this network. Not null: it is one of the account's own networks. */
    logged_in_at: timestampColumn(),
  },
  (t) => [
    primaryKey({ name: "login_attempts_pkey", columns: [t.username, t.network] }),
    index("login_attempts_failed_at_idx").on(t.failed_at),
    check("login_attempts_failures_check", sql`${t.failures} >= 0`),
  ],
);

/**
 * How many patients that are not there for it an account has asked for in an hour. A trigger on `audit_events` counts
 * them; above 100 it sets `users.probing_until` (drizzle/0019_probes.sql).
 */
export const probes = pgTable(
  "probes",
  {
    account_id: integer().notNull(),
    /** The number of the hour since 1970, in UTC. */
    hour: integer().notNull(),
    not_found: integer().notNull(),
  },
  (t) => [
    primaryKey({ name: "probes_pkey", columns: [t.account_id, t.hour] }),
    foreignKeyTo("probes_account_id_fkey", [t.account_id], [users.id]).onDelete("cascade"),
    index("probes_hour_idx").on(t.hour),
    check("probes_not_found_check", sql`${t.not_found} > 0`),
  ],
);

/** Patients. DELETE is a soft delete; an operator purges them for good. */
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
    ...olderNameColumns(),
    ...nameSearchColumns(),
    /** The account that owns it: its creator, until a transfer. Null while it is deleted. */
    owner_id: integer(),
    /** While it is deleted: the account that owned it, and will own it again when it is restored. */
    deleted_from: integer(),
    deleted_at: timestampColumn(),
  },
  (t) => [
    foreignKeyTo("patients_created_by_fkey", [t.created_by], [users.id]),
    foreignKeyTo("patients_owner_id_fkey", [t.owner_id], [users.id]),
    foreignKeyTo("patients_deleted_from_fkey", [t.deleted_from], [users.id]),
    uniqueKeyIndex("patients_owner_id_email_key").on(emailKey(t.email), t.owner_id),
    // The pages of an account's patients by id; also the target of mappings_patient_fkey.
    unique("patients_owner_id_id_key" satisfies UniqueConstraint).on(t.owner_id, t.id),
    // Their pages by name and by creation time, and the same three for deleted patients.
    index("patients_owner_id_last_first_id_idx").on(t.owner_id, t.last_first, t.id),
    index("patients_owner_id_name_sort_key_id_idx").on(t.owner_id, t.name_sort_key, t.id),
    index("patients_owner_id_created_at_id_idx").on(t.owner_id, t.created_at, t.id),
    ...[
      index("patients_deleted_from_id_idx").on(t.deleted_from, t.id),
      index("patients_deleted_from_last_first_id_idx").on(t.deleted_from, t.last_first, t.id),
      index("patients_deleted_from_name_sort_key_id_idx").on(t.deleted_from, t.name_sort_key, t.id),
      index("patients_deleted_from_created_at_id_idx").on(t.deleted_from, t.created_at, t.id),
      index("patients_deleted_at_idx").on(t.deleted_at),
    ].map((definition) => definition.where(sql`${t.deleted_at} IS NOT NULL`)),
    // The patients of an account, or its deleted ones, that a search finds. Without `fastupdate`: a search would also
    // read the list of pending entries.
    index("patients_name_tokens_idx")
      .using("gin", sql`patient_name_tokens(${t.owner_id}, ${t.deleted_from}, ${t.name_tokens})`)
      .with({ fastupdate: false }),
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

/** Doctors, which every account can read. */
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
    /** Whether the doctor takes new patients. A retired doctor keeps the existing assignments. */
    active: boolean().notNull().default(true),
    created_by: integer().notNull(),
    created_at: timestampDefaultNow(),
    updated_at: timestampDefaultNow(),
    version: versionColumn(),
    ...olderNameColumns(),
    ...nameSearchColumns(),
  },
  (t) => [
    foreignKeyTo("doctors_created_by_fkey", [t.created_by], [users.id]),
    uniqueKeyIndex("doctors_email_key").on(emailKey(t.email)),
    index("doctors_last_first_id_idx").on(t.last_first, t.id),
    index("doctors_name_sort_key_id_idx").on(t.name_sort_key, t.id),
    index("doctors_name_tokens_idx").using("gin", t.name_tokens).with({ fastupdate: false }),
    index("doctors_created_at_id_idx").on(t.created_at, t.id),
    check("doctors_firstname_check", textCheck(t.firstname, 64)),
    check("doctors_lastname_check", textCheck(t.lastname, 64)),
    check("doctors_email_check", emailCheck(t.email, 128)),
    check("doctors_gender_check", isOneOf(t.gender, genders)),
    check("doctors_specialization_check", isOneOf(t.specialization, specializations)),
    check("doctors_max_appointments_per_day_check", sql`${t.max_appointments_per_day} BETWEEN 0 AND 1000`),
  ],
);

/** Assignments of doctors to patients. The table is called `mappings`, like the URL. */
export const assignments = pgTable(
  "mappings",
  {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    patient_id: integer().notNull(),
    /**
     * The owner of the patient, null while the patient is deleted. It is a copy, so that a page of an account's
     * assignments is one index scan. The foreign key (ON UPDATE CASCADE) and a trigger (drizzle/0004_owners.sql) keep
     * it equal.
     */
    owner_id: integer(),
    doctor_id: integer().notNull(),
    assigned_at: timestampDefaultNow(),
    /**
     * The doctor, null while the patient is deleted: a hidden assignment must not prevent the deletion of a doctor.
     */
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
    // An account's assignments: by id and by time.
    index("mappings_owner_id_id_idx").on(t.owner_id, t.id),
    index("mappings_owner_id_assigned_at_id_idx").on(t.owner_id, t.assigned_at, t.id),
    // Those of one doctor: by id, and by patient for a list of patients.
    index("mappings_doctor_owner_id_id_idx").on(t.current_doctor_id, t.owner_id, t.id),
    index("mappings_doctor_owner_id_patient_id_idx").on(t.current_doctor_id, t.owner_id, t.patient_id),
    // A doctor's assignments to the patients of all accounts, for admins and the doctor's own account: by id and by
    // time.
    index("mappings_doctor_id_idx").on(t.current_doctor_id, t.id),
    index("mappings_doctor_assigned_at_id_idx").on(t.current_doctor_id, t.assigned_at, t.id),
    // A doctor's patients, for the doctor's own account.
    index("mappings_doctor_patient_id_idx").on(t.current_doctor_id, t.patient_id),
  ],
);

/**
 * Emergency access (break-glass): until when an admin may read a patient of another account, and why.
 */
export const emergency_accesses = pgTable(
  "emergency_accesses",
  {
    id: integer().notNull().generatedAlwaysAsIdentity(),
    account_id: integer().notNull(),
    patient_id: integer().notNull(),
    expires_at: timestampColumn().notNull(),
    /** The reason that was given last. Null when an earlier version of the API granted it. */
    reason: text(),
  },
  (t) => [
    primaryKey({ name: "emergency_accesses_pkey", columns: [t.account_id, t.patient_id] }),
    // The pages of the list.
    unique("emergency_accesses_id_key" satisfies UniqueConstraint).on(t.id),
    foreignKeyTo("emergency_accesses_account_id_fkey", [t.account_id], [users.id]).onDelete("cascade"),
    foreignKeyTo("emergency_accesses_patient_id_fkey", [t.patient_id], [patients.id]).onDelete("cascade"),
    index("emergency_accesses_patient_id_idx").on(t.patient_id),
    index("emergency_accesses_expires_at_idx").on(t.expires_at),
  ],
);

/** The responses to requests with an idempotency key, for retries. The cleanup job deletes them after 24 hours. */
export const idempotency_keys = pgTable(
  "idempotency_keys",
  {
    account_id: integer().notNull(),
    key: bytewiseText().notNull(),
    /** SHA-256 of the request in hexadecimal: a key cannot be used again for a different request. */
    fingerprint: text().notNull(),
    /** The id of the record that was created; null for an import, which creates several. */
    record_id: integer(),
    /** The body of the response. */
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

/** Settings of a GIN index: the size of its list of pending entries in KiB. */
const pendingList = { fastupdate: true, gin_pending_list_limit: 1024 };

/**
 * The audit log: who did what with whose data. The statement that does the work inserts the event, and nothing
 * changes it later. It has no foreign keys: it keeps names and ids as they were. It is partitioned by the months of
 * `at` in UTC. The function `audit_partitions` creates the next partitions; events of a month without one go to
 * `audit_events_default` (drizzle/0003_record.sql).
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
