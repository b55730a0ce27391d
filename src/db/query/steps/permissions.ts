import { type SQL, sql } from "drizzle-orm";
import { assignments, doctors, emergency_accesses, invitations, patients, users } from "../../schema.ts";
import { callerDoctorId, callerId, callerIsAdmin } from "./caller.ts";
import { isOwnedByCaller } from "./resource.ts";

/** What the caller can be to a record, as conditions on that record. */
const callerRoles = {
  anyAccount: sql`true`,
  admin: callerIsAdmin,
  /** The owner of a patient. A deleted patient has none. */
  owner: isOwnedByCaller(patients.owner_id),
  /** The owner at the time of the deletion. */
  formerOwner: isOwnedByCaller(patients.deleted_from),
  adminOfDeleted: sql`${patients.deleted_at} IS NOT NULL AND ${callerIsAdmin}`,
  /** The own account of an assigned doctor. */
  assignedDoctor: sql`${patients.owner_id} IS NOT NULL AND EXISTS (
    SELECT FROM ${assignments} m WHERE m.patient_id = ${patients.id} AND m.doctor_id = ${callerDoctorId})`,
  /** An admin with an emergency access (break-glass) that has not expired. */
  emergencyAdmin: sql`${patients.owner_id} IS NOT NULL AND ${callerIsAdmin} AND EXISTS (
    SELECT FROM ${emergency_accesses} e
    WHERE e.account_id = ${callerId} AND e.patient_id = ${patients.id} AND e.expires_at > now())`,
  /** The owner of an assignment's patient. */
  ownerOfAssigned: isOwnedByCaller(assignments.owner_id),
  /** The account that created a doctor. */
  creator: isOwnedByCaller(doctors.created_by),
} satisfies Record<string, SQL>;

/**
 * Which roles have a permission. What is not listed needs none: one's own account and sessions, and creating records.
 */
const permissions = {
  "patients:read": ["owner", "assignedDoctor", "emergencyAdmin"],
  "patients:read_audit_log": ["owner", "assignedDoctor", "emergencyAdmin", "formerOwner"],
  "patients:change": ["owner"],
  "patients:assign_doctor": ["owner"],
  "patients:restore": ["owner", "formerOwner", "adminOfDeleted"],
  "patients:transfer": ["admin"],
  "patients:grant_emergency_access": ["admin"],
  "assignments:end": ["ownerOfAssigned", "admin"],
  "doctors:read": ["anyAccount"],
  "doctors:change": ["creator", "admin"],
  "accounts:manage": ["admin"],
  "invitations:manage": ["admin"],
  "audit_log:read": ["admin"],
} satisfies Record<string, (keyof typeof callerRoles)[]>;

/**
 * Whether the caller has a permission. For a permission on records of a table it is a condition that refers to that
 * table by its own name; the statement must have it in FROM. `admin` and `anyAccount` need no table.
 */
export const can = (permission: keyof typeof permissions): SQL<boolean> =>
  sql`(${sql.join(
    permissions[permission].map((role) => callerRoles[role]),
    sql` OR `,
  )})`;

/** Whether an invitation can be used: it has not expired, and the admin who sent it is still an active admin. */
export const isInvitationValid = sql`${invitations.expires_at} > now() AND (
  SELECT ${users.active} AND ${users.role} = 'admin' FROM ${users} WHERE ${users.id} = ${invitations.created_by})`;
