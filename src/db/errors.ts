import type { NeonDbError } from "@neondatabase/serverless";

/** A statement failed. Its `cause` may hold values of the statement: only `classifyDatabaseError` reads it. */
export class DatabaseError extends Error {
  override name = "DatabaseError";

  constructor(cause: unknown) {
    super("The database did not execute the statement.", { cause });
  }
}

/** Why a statement failed, without any of its values. */
export type DatabaseFault =
  /** The database could not be reached, did not answer in time or shut down. The statement may have been executed. */
  | { kind: "unavailable"; code: string }
  /** Another transaction held a lock for longer than `lock_timeout`. Nothing was changed. */
  | { kind: "busy"; code: string }
  /**
   * A unique constraint or a trigger forbids it, or PostgreSQL aborted the transaction because of a concurrent one.
   */
  | ({ kind: "conflict" } & Conflict)
  /** The record that `field` refers to does not exist. */
  | { kind: "missing"; field: string }
  /** `field` violates a check constraint. */
  | { kind: "invalid"; field: string }
  /** The account has asked for too many records that are not there for it: refused until the next full hour. */
  | { kind: "probing" }
  /** The statement is wrong, or the schema is not the one it was written for. */
  | { kind: "bug"; code: string };

/** PostgreSQL aborted one of two concurrent transactions, or would have. */
export const writeConflict = {
  code: "write_conflict",
  detail: "A concurrent request changed the same records. Nothing was changed; try again.",
} as const;

const otherAppointment = {
  code: "not_bookable",
  detail: "The doctor or the patient has another appointment at this time. Nothing was changed.",
} as const;

/**
 * The code and the detail that a client gets when its request violates a unique constraint of `schema/` or a
 * trigger's rule. `schema/` takes the names of its constraints from here, so none is without them. `null`: no request
 * can violate it.
 */
export const uniqueViolations = {
  users_username_key: { code: "username_taken", detail: "An account with this username already exists." },
  patients_owner_id_email_key: { code: "email_taken", detail: "You already have a patient with this email." },
  patients_owner_id_id_key: null,
  doctors_email_key: { code: "email_taken", detail: "A doctor with this email already exists." },
  identifier_systems_name_key: {
    code: "identifier_system_taken",
    detail: "There is an identifier system with this name already.",
  },
  patient_identifiers_owner_id_key_system_key: {
    code: "identifier_taken",
    detail: "You already have a patient with one of these identifiers.",
  },
  clinics_id_time_zone_active_key: null,
  invitations_code_hash_key: null,
  emergency_accesses_id_key: null,
  // Two requests at once add the same member. The second one is sent again.
  memberships_pkey: null,
  memberships_last_manager: {
    code: "last_manager",
    detail: "This is the last active manager of a clinic. Name another one first.",
  },
  users_last_admin: { code: "last_admin", detail: "This is the last active admin." },
  mappings_patient_id_doctor_id_key: {
    code: "already_assigned",
    detail: "This doctor is already assigned to this patient.",
  },
  mappings_primary_key: null,
  calendar_feeds_token_hash_key: null,
  // `check_appointment` decides first. They are violated when an appointment of a patient who was merged is open again.
  appointments_doctor_busy: otherAppointment,
  appointments_patient_busy: otherAppointment,
  appointments_day_full: { code: "not_bookable", detail: "The doctor has no more appointments on this day." },
  appointments_assigned: {
    code: "open_appointments",
    detail: "The patient still has appointments with this doctor. Cancel them or move them first.",
  },
} as const satisfies Record<string, { code: string; detail: string } | null>;
export type UniqueConstraint = keyof typeof uniqueViolations;
/** A unique constraint that a request can violate. */
export type ReportedConstraint = {
  [Name in UniqueConstraint]: (typeof uniqueViolations)[Name] extends null ? never : Name;
}[UniqueConstraint];

/** The code and the detail of a 409. */
type Conflict = (typeof uniqueViolations)[ReportedConstraint] | typeof writeConflict;

/** Foreign keys and the field of a request that may refer to a missing record. `null`: no request can violate it. */
const foreignKeyFields = {
  users_doctor_id_fkey: "doctor",
  invitations_created_by_fkey: null,
  sessions_user_id_fkey: null,
  // A login to a clinic that is deleted at the same time.
  sessions_membership_fkey: "clinic",
  memberships_clinic_fkey: null,
  memberships_account_id_fkey: null,
  invitations_clinic_id_fkey: null,
  refresh_tokens_session_id_fkey: null,
  patients_created_by_fkey: null,
  doctors_created_by_fkey: null,
  identifier_systems_created_by_fkey: null,
  idempotency_keys_account_id_fkey: null,
  patients_owner_id_fkey: null,
  patients_deleted_from_fkey: null,
  patients_merged_into_fkey: null,
  patient_merges_survivor_id_fkey: null,
  patient_merges_merged_id_fkey: null,
  patient_merges_account_id_fkey: null,
  patient_identifiers_patient_id_fkey: null,
  patient_identifiers_system_fkey: "identifiers",
  probes_account_id_fkey: null,
  emergency_accesses_account_id_fkey: null,
  emergency_accesses_clinic_id_fkey: null,
  emergency_accesses_patient_id_fkey: null,
  mappings_patient_id_fkey: "patient",
  mappings_patient_fkey: "patient",
  mappings_doctor_fkey: "doctor",
  ended_assignments_patient_fkey: null,
  ended_assignments_patient_id_fkey: null,
  ended_assignments_ended_by_fkey: null,
  schedules_doctor_id_fkey: null,
  absences_doctor_id_fkey: null,
  absences_created_by_fkey: null,
  appointments_patient_fkey: "patient",
  appointments_patient_id_fkey: "patient",
  appointments_doctor_id_fkey: "doctor",
  appointments_created_by_fkey: null,
  calendar_feeds_membership_fkey: null,
  calendar_feeds_doctor_id_fkey: "doctor",
} satisfies Record<string, string | null>;
export type ForeignKeyConstraint = keyof typeof foreignKeyFields;

/**
 * Errors that pass: connection (08), a standby during failover (25006), credentials (28), no such database (3D),
 * resources (53), operator intervention (57), system (58).
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const TRANSIENT_CODES = /^(08|25006|28|3D|53|57|58)/;

/** `refuse_probing` (drizzle/0019_probes.sql) has refused the account. */
const PROBING = "HP429";

/** `lock_timeout` (set by ops/role-privileges.ts) has expired. */
const LOCK_NOT_AVAILABLE = "55P03";

/** Class 40, transaction rollback: PostgreSQL aborted one of two transactions in a deadlock. */
const TRANSACTION_ROLLBACK = /^40/;

/**
 * Classifies a failed statement.
 *
 * @returns `undefined` when `error` is not a `DatabaseError`. Otherwise the fault, which holds no value of the
 *   statement: a `NeonDbError`'s `detail` does, and is not copied.
 */
export function classifyDatabaseError(error: unknown): DatabaseFault | undefined {
  if (!(error instanceof DatabaseError)) return undefined;
  const { code, table, constraint = "" } = postgresError(error);
  // Without a code the error is not from PostgreSQL: a network error, the deadline, the endpoint, or half an answer.
  if (code === undefined) return { kind: "unavailable", code: "none" };
  if (TRANSIENT_CODES.test(code)) return { kind: "unavailable", code };
  if (code === PROBING) return { kind: "probing" };
  if (code === LOCK_NOT_AVAILABLE) return { kind: "busy", code };
  if (TRANSACTION_ROLLBACK.test(code)) return { kind: "conflict", ...writeConflict };
  const violation = isKeyOf(uniqueViolations, constraint) && uniqueViolations[constraint];
  if (violation) return { kind: "conflict", ...violation };
  const field = isKeyOf(foreignKeyFields, constraint) && foreignKeyFields[constraint];
  if (field) return { kind: "missing", field };
  const isCheck = constraint.startsWith(`${table}_`) && constraint.endsWith("_check");
  if (isCheck) return { kind: "invalid", field: constraint.slice(`${table}_`.length, -"_check".length) };
  return { kind: "bug", code };
}

const isKeyOf = <Names extends object>(names: Names, name: string): name is string & keyof Names =>
  Object.hasOwn(names, name);

/** Whether a statement failed because it violates `constraint`. */
export const isViolationOf = (error: unknown, constraint: UniqueConstraint | ForeignKeyConstraint): boolean =>
  error instanceof DatabaseError && postgresError(error).constraint === constraint;

/**
 * Sends a statement once more when it violates `constraint` because of a concurrent request: its snapshot does not show
 * what that request did, the constraint does. A new snapshot shows it. Nothing was written.
 */
export const sendAgainOnViolation = <Row>(
  constraint: UniqueConstraint | ForeignKeyConstraint,
  send: () => Promise<Row>,
): Promise<Row> =>
  send().catch((error: unknown) => {
    if (!isViolationOf(error, constraint)) throw error;
    return send();
  });

/** The error of PostgreSQL that made a statement fail. */
const postgresError = ({ cause }: DatabaseError): Partial<NeonDbError> => postgresErrorOf(cause);

/**
 * PostgreSQL's error in a failed query of Drizzle's; empty when it failed for another reason. Its texts may hold
 * values. The driver's error is recognised by its name, because importing its class would load the driver at start-up
 * (see client.ts).
 */
export function postgresErrorOf(error: unknown): Partial<NeonDbError> {
  if (!(error instanceof Error)) return {};
  return error.name === "NeonDbError" ? (error as NeonDbError) : postgresErrorOf(error.cause);
}
