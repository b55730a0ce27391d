import type { NeonDbError } from "@neondatabase/serverless";

/** A statement that was not done. What it was caused by may hold values of it, and is for `databaseFault` to look into. */
export class DatabaseError extends Error {
  override name = "DatabaseError";

  constructor(cause: unknown) {
    super("The database did not do what it was asked.", { cause });
  }
}

/** Why the database did not do what it was asked, without any of the values it was asked with. */
export type DatabaseFault =
  /** It could not be reached, did not answer in time or gave up; what was asked may or may not have been done. */
  | { kind: "unavailable"; code: string }
  /** Another transaction held what it needs for longer than it may wait: nothing was done. */
  | { kind: "busy"; code: string }
  /** There is one like it already, or another request was changing the same at the same moment. */
  | { kind: "conflict"; detail: string }
  /** The record that `field` names is not there. */
  | { kind: "missing"; field: string }
  /** `field` breaks a rule of the schema. */
  | { kind: "invalid"; field: string }
  /** The statement is wrong, or the schema is not the one it was written for. */
  | { kind: "bug"; code: string };

/**
 * What a client is told when its request breaks a unique constraint of `schema.ts`, which takes the names from here, or a
 * trigger's rule: none is without its words. `null` is for one that no request can break.
 */
const duplicates = {
  users_username_key: "An account with this username already exists.",
  patients_owner_id_email_key: "You already have a patient with this email.",
  patients_owner_id_id_key: null,
  doctors_email_key: "A doctor with this email already exists.",
  invitations_code_hash_key: null,
  users_last_admin: "This is the last active admin.",
  mappings_patient_id_doctor_id_key: "This doctor is already assigned to this patient.",
} satisfies Record<string, string | null>;
export type UniqueName = keyof typeof duplicates;

/** What a client is told when there is one like it already. */
export const duplicate = (name: UniqueName): string => duplicates[name] ?? "There is one like it already.";

/** The same for foreign keys: the field of a request that may name a record which is not there. */
const references = {
  users_doctor_id_fkey: "doctor",
  invitations_created_by_fkey: null,
  sessions_user_id_fkey: null,
  refresh_tokens_session_id_fkey: null,
  patients_created_by_fkey: null,
  doctors_created_by_fkey: null,
  idempotency_keys_account_id_fkey: null,
  patients_owner_id_fkey: null,
  patients_deleted_from_fkey: null,
  emergency_accesses_account_id_fkey: null,
  emergency_accesses_patient_id_fkey: null,
  mappings_patient_id_fkey: null,
  mappings_patient_fkey: "patient",
  mappings_doctor_fkey: "doctor",
} satisfies Record<string, string | null>;
export type ReferenceName = keyof typeof references;

/**
 * Says "not now" rather than "never": connection, a standby during failover, credentials, no such database, resources,
 * operator intervention, system. https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const passing = /^(08|25006|28|3D|53|57|58)/;

/** `lock_timeout` (ops/role.ts) is over. */
const LOCK_NOT_AVAILABLE = "55P03";

/** Class "transaction rollback": a deadlock, where one of the two had to give way. */
const gaveWay = /^40/;

/**
 * What went wrong with a statement, if `error` is a database error at all.
 *
 * Mind what it is read from: a `NeonDbError`'s `detail` holds values of the row. None of them leaves this function.
 */
export function databaseFault(error: unknown): DatabaseFault | undefined {
  if (!(error instanceof DatabaseError)) return undefined;
  const { code, table, constraint = "" } = postgresError(error);
  // Without a code it was not PostgreSQL that answered: a network error, the deadline, the endpoint, half an answer.
  if (code === undefined) return { kind: "unavailable", code: "none" };
  if (passing.test(code)) return { kind: "unavailable", code };
  if (code === LOCK_NOT_AVAILABLE) return { kind: "busy", code };
  if (gaveWay.test(code))
    return { kind: "conflict", detail: "Another request was changing the same; try again." };
  const detail = isKeyOf(duplicates, constraint) && duplicates[constraint];
  if (detail) return { kind: "conflict", detail };
  const field = isKeyOf(references, constraint) && references[constraint];
  if (field) return { kind: "missing", field };
  const isCheck = constraint.startsWith(`${table}_`) && constraint.endsWith("_check");
  if (isCheck) return { kind: "invalid", field: constraint.slice(`${table}_`.length, -"_check".length) };
  return { kind: "bug", code };
}

const isKeyOf = <Names extends object>(names: Names, name: string): name is string & keyof Names =>
  Object.hasOwn(names, name);

/** Whether a statement failed because `constraint` forbids it. */
export const breaks = (error: unknown, constraint: UniqueName | ReferenceName): boolean =>
  error instanceof DatabaseError && postgresError(error).constraint === constraint;

// By its name: the class comes with the driver, which client.ts loads when it is needed.
const postgresError = ({ cause }: DatabaseError): Partial<NeonDbError> => (isNeonDbError(cause) ? cause : {});
const isNeonDbError = (cause: unknown): cause is NeonDbError =>
  cause instanceof Error && cause.name === "NeonDbError";
