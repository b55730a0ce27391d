import { getTableColumns, getTableName } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import * as schema from "../src/db/schema.ts";
import { doctorFields } from "../src/doctors/requests.ts";
import { identifierSystemFields } from "../src/identifier-systems/requests.ts";
import { patientColumns as patients } from "../src/patients/requests.ts";

// What the database role of the Worker may do, and the settings of its sessions.

type TableName = {
  [Name in keyof typeof schema]: (typeof schema)[Name] extends PgTable ? Name : never;
}[keyof typeof schema];

const tables: Record<TableName, PgTable> = { ...schema };
/** The name of a table in the database: `mappings` for `assignments`. */
const tableName = (table: TableName): string => getTableName(tables[table]);

/** The columns that a change of a record writes: never its owner. */
const changedColumns = (columns: string[]): string => [...columns, "updated_at", "version"].join(", ");

/** The columns that creating a record writes. PostgreSQL sets its version and the generated columns. */
const createdColumns = (columns: string[]): string =>
  ["id", ...columns, "created_by", "created_at", "updated_at"].join(", ");

const doctors = Object.keys(doctorFields);

/** The columns that the API writes of an audit event. PostgreSQL sets its time, its id and the hash of its changes. */
const { id, at, changes_sha256, ...auditColumns } = getTableColumns(schema.audit_events);

/** The privileges on each table: those that the API needs. It renames no account and deletes none, for example. */
const privileges: Record<TableName, string> = {
  users:
    "SELECT, INSERT (username, email, password_hash, password_prehashed, role), UPDATE (email, password_hash, password_version, password_trimmed, password_prehashed, role, active, token_version, must_change_password, doctor_id, updated_at)",
  clinics:
    "SELECT, INSERT (id, name, kind, time_zone, created_at, updated_at), UPDATE (name, time_zone, active, updated_at), DELETE",
  memberships:
    "SELECT, INSERT (clinic_id, account_id, role, is_interim, time_zone, clinic_active), UPDATE (role, created_at, ended_at, last_used_at, is_interim)",
  invitations:
    "SELECT, INSERT (email, role, clinic_id, clinic_role, code_hash, created_by, expires_at), DELETE",
  login_attempts:
    "SELECT, INSERT, UPDATE (failures, failed_at, blocked_until, refused, refused_before, logged_in_at), DELETE",
  sessions:
    "SELECT, INSERT (user_id, clinic_id, token_version, password_version, expires_at, user_agent, last_address, last_user_agent), UPDATE (clinic_id, ended_at, last_used_at, last_address, last_user_agent), DELETE",
  refresh_tokens: "SELECT, INSERT (token_hash, session_id), UPDATE (spent_at, successor_hash)",
  // created_by never changes: a patient is transferred, marked as deleted, or restored. Only erase_patient deletes one.
  patients: `SELECT, INSERT (${createdColumns(patients)}, owner_id), UPDATE (${changedColumns(patients)}, owner_id, deleted_from, deleted_at, merged_into)`,
  doctors: `SELECT, INSERT (${createdColumns(doctors)}), UPDATE (${changedColumns(doctors)}), DELETE`,
  // A merge, and what undoes it, give the assignments and emergency accesses of a patient to another one.
  assignments:
    "SELECT, INSERT (id, patient_id, owner_id, doctor_id, assigned_at, role, is_primary, version), UPDATE (patient_id, role, is_primary, version), DELETE",
  // Nobody changes an ended assignment but for a merge; only erase_patient deletes one.
  ended_assignments:
    "SELECT, INSERT (id, patient_id, owner_id, doctor_id, doctor_name, role, is_primary, version, assigned_at, ended_by), UPDATE (patient_id)",
  schedules:
    "SELECT, INSERT (doctor_id, time_zone, slot_minutes, week), UPDATE (time_zone, slot_minutes, week, updated_at, version)",
  absences: "SELECT, INSERT (id, doctor_id, starts_at, ends_at, created_by, created_at), DELETE",
  // An appointment is cancelled, never deleted; only erase_patient does it. A merge gives it to another patient.
  appointments:
    "SELECT, INSERT (id, patient_id, owner_id, doctor_id, starts_at, ends_at, time_zone, note, override_reason, created_by, created_at, updated_at), UPDATE (patient_id, doctor_id, starts_at, ends_at, time_zone, status, note, cancel_reason, override_reason, updated_at, version)",
  calendar_feeds:
    "SELECT, INSERT (account_id, clinic_id, doctor_id, label, token_hash), UPDATE (last_used_at), DELETE",
  identifier_systems: `SELECT, INSERT (${createdColumns(Object.keys(identifierSystemFields))}), UPDATE (${changedColumns(Object.keys(identifierSystemFields))})`,
  // A trigger on patients writes it, with the rights of the tables' owner.
  patient_identifiers: "SELECT",
  emergency_accesses:
    "SELECT, INSERT (account_id, patient_id, expires_at, clinic_id, reason), UPDATE (patient_id, expires_at, clinic_id, reason), DELETE",
  patient_merges: "SELECT, INSERT (survivor_id, merged_id, account_id, snapshot), UPDATE (undone_at), DELETE",
  // Triggers on the records write it, with the rights of the tables' owner.
  record_changes: "SELECT, DELETE",
  change_feed: "SELECT",
  // The trigger on audit_events writes it, with the rights of the tables' owner.
  probes: "SELECT, DELETE",
  idempotency_keys:
    "SELECT, INSERT (account_id, key, fingerprint, record_id, answer, duplicates), UPDATE (key), DELETE",
  audit_events: `SELECT, INSERT (${Object.keys(auditColumns)})`,
  audit_digests: "SELECT, INSERT (day, events, first_id, last_id, sha256, hmac, closed_at)",
};

/** The tables with a sequence for ids that the API uses. */
const tablesWithSequence: TableName[] = [
  "users",
  "patients",
  "doctors",
  "identifier_systems",
  "assignments",
  "appointments",
  "absences",
  "calendar_feeds",
  "audit_events",
];

/**
 * The functions that statements, constraints, indexes and triggers call with the rights of the role. Every role may execute
 * them, unless the owner's default privileges say otherwise.
 */
const functions = [
  ...[
    "account_taken",
    "assignment_taken",
    "doctor_taken",
    "doctor_with_email",
    "identifier_errors",
    "identifier_system_with_name",
    "patient_identifiers_taken",
    "patients_identifiers_taken",
    "patient_taken",
    "patient_with_email",
    "patients_taken",
    "patients_owned",
    "sessions_personal_clinic",
  ],
  ...[
    "doctor_accounts",
    "doctor_patients",
    "doctor_relied_on",
    "kept_answer",
    "refuse_probing",
    "request_audited",
  ],
  ...[
    "last_survivor",
    "lock_assignment",
    "merge_assignments",
    "merged_patients",
    "return_assignments",
    "subtract_list",
    "unite_lists",
    "unset_primary",
    "list_item_key",
    "free_identifiers",
  ],
  ...["local_moment", "open_windows", "free_slots", "lock_calendar", "lock_schedule", "check_appointment"],
  ...["open_appointments", "booked_appointments", "overlapping_appointments", "cancel_appointments"],
  ...["appointments_in_other_zone", "is_feed_valid", "lock_valid_feeds"],
  ...["check_digit_valid", "identifier_key", "mask_identifiers"],
  ...["email_key", "is_email", "this_hour", "audit_partitions"],
  ...["name_query", "name_sort_key", "name_spellings", "name_tokens", "name_words", "older_name_key"],
  ...["age_on", "change_birth", "earliest_birth_day", "latest_birth_day"],
  ...["change_feed_epoch", "erase_patient", "patient_name_tokens", "patient_phones"],
].map((name) => `public.${name}`);

/**
 * The functions that not every role may execute: those that run with the rights of the tables' owner, and one that changes
 * the audit log.
 */
const ownersFunctions = [
  ...["audit_partitions", "erase_audit_values", "erase_patient"],
  ...["sessions_bounded", "users_last_admin", "users_admin_ended", "audit_events_count_probe"],
  ...["users_personal_clinic", "users_last_manager", "memberships_last_manager", "keep_manager"],
  ...["assignments_come_back", "set_patient_identifiers", "users_feeds_ended"],
  ...["memberships_invitations_ended", "users_invitations_ended"],
  ...["appointments_day_full", "appointments_assigned", "mappings_open_appointments"],
  ...["patients_record_change", "doctors_record_change"],
  ...["mappings_record_change", "appointments_record_change"],
].map((name) => `public.${name}`);

/** The settings of the role's database sessions. Migrations run as the owner, without these limits. */
const settings = {
  // Less than the time of the first of two attempts (45 % of the 10 s of DATABASE_TIMEOUT_MS): a request that waits
  // too long for a lock is told that nothing was changed. PostgreSQL detects deadlocks after 1 s.
  lock_timeout: "'4s'",
  // More than DATABASE_TIMEOUT_MS: ends a statement whose request has timed out, if it was not cancelled.
  statement_timeout: "'15s'",
  // Each statement of the Worker is its own transaction, so its sessions are never idle in one.
  idle_in_transaction_session_timeout: "'5s'",
  // Names refer to the API's tables and PostgreSQL's own objects, whatever other schemas the database has.
  search_path: "public, pg_temp",
  // In PL/pgSQL each query then has a snapshot of its own: functions that take an advisory lock and look afterwards
  // are right only with this.
  default_transaction_isolation: "'read committed'",
};

/**
 * The statements that give the role exactly these settings and privileges, whatever it had before. Cascades and
 * foreign keys run with the privileges of the tables' owner.
 *
 * @param largeObjects the functions for large objects whose execution can be revoked; "" when there are none.
 */
export const grantStatements = (role: string, database: string, largeObjects: string): string => `
  -- The role can change its own settings.
  ALTER ROLE ${role} RESET ALL;
  ALTER ROLE ${role} IN DATABASE ${database} RESET ALL;
  ${Object.entries(settings)
    .map(([name, value]) => `ALTER ROLE ${role} SET ${name} = ${value};`)
    .join("\n")}
  -- By default every role may create temporary tables.
  REVOKE TEMPORARY ON DATABASE ${database} FROM PUBLIC, ${role};
  ${largeObjects && `REVOKE EXECUTE ON FUNCTION ${largeObjects} FROM PUBLIC, ${role};`}
  -- Before PostgreSQL 15 every role could create tables here.
  REVOKE CREATE ON SCHEMA public FROM PUBLIC;
  REVOKE ALL ON SCHEMA public FROM ${role};
  REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ${role};
  REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM ${role};
  REVOKE ALL ON ALL ROUTINES IN SCHEMA public FROM ${role};
  GRANT USAGE ON SCHEMA public TO ${role};
  ${Object.entries(privileges)
    .map(([table, granted]) => `GRANT ${granted} ON public.${tableName(table as TableName)} TO ${role};`)
    .join("\n")}
  ${tablesWithSequence.map((table) => `GRANT USAGE ON SEQUENCE public.${tableName(table)}_id_seq TO ${role};`).join("\n")}
  -- Lost in a dump that was made without privileges.
  REVOKE EXECUTE ON FUNCTION ${ownersFunctions.join(", ")} FROM PUBLIC;
  GRANT EXECUTE ON FUNCTION ${functions.join(", ")} TO ${role};
  -- The functions of the statements, also those that later migrations of this owner create.
  CREATE SCHEMA IF NOT EXISTS statements;
  REVOKE ALL ON SCHEMA statements FROM PUBLIC, ${role};
  GRANT USAGE ON SCHEMA statements TO ${role};
  -- As of the functions above: lost in such a dump.
  REVOKE ALL ON ALL FUNCTIONS IN SCHEMA statements FROM PUBLIC, ${role};
  GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA statements TO ${role};
  ALTER DEFAULT PRIVILEGES IN SCHEMA statements GRANT EXECUTE ON FUNCTIONS TO ${role};`;
