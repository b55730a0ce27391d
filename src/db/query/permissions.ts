import { type SQL, sql } from "drizzle-orm";
import { intParam, param } from "../statement.ts";
import { callerClinicId } from "./caller.ts";

/** Whether the caller works in the clinic as a clerk or more, or as a clinician or more. */
const isClerk = sql`caller.clinic_role <> 'reader'`;
const isClinician = sql`caller.clinic_role IN ('clinician', 'manager')`;

/**
 * What the caller can be to a record, as conditions on that record and on the row of `caller`. In every statement `p` is
 * a patient, `m` an assignment, `d` a doctor and `a` an appointment.
 */
const callerRoles = {
  anyAccount: sql`true`,
  admin: sql`caller.role = 'admin'`,
  auditor: sql`caller.role = 'auditor'`,
  /** In the clinic: a clerk or more, a clinician or more, a manager. */
  clerk: isClerk,
  clinician: isClinician,
  manager: sql`caller.clinic_role = 'manager'`,
  /** A clinician of a shared clinic, where the installation gives members emergency access. */
  emergencyMember: sql`${param("allows_members")}::boolean AND ${isClinician} AND caller.clinic_id <> caller.id`,
  /** Of the clinic that owns a patient: a member, a clerk or more, a clinician or more. A deleted patient has no owner. */
  memberOfOwner: sql`p.owner_id = caller.clinic_id`,
  clerkOfOwner: sql`p.owner_id = caller.clinic_id AND ${isClerk}`,
  clinicianOfOwner: sql`p.owner_id = caller.clinic_id AND ${isClinician}`,
  /** Of the owner at the time of the deletion. */
  memberOfFormerOwner: sql`p.deleted_from = caller.clinic_id`,
  clinicianOfFormerOwner: sql`p.deleted_from = caller.clinic_id AND ${isClinician}`,
  adminOfDeleted: sql`p.deleted_at IS NOT NULL AND caller.role = 'admin'`,
  /** The own account of an assigned doctor. */
  assignedDoctor: sql`p.owner_id IS NOT NULL AND EXISTS (
          SELECT FROM mappings m
          WHERE m.patient_id = p.id AND m.doctor_id = caller.doctor_id
        )`,
  /** An admin, or a clinician of a shared clinic, with an emergency access (break-glass) that has not expired. */
  withEmergencyAccess: sql`p.owner_id IS NOT NULL AND EXISTS (
          SELECT FROM emergency_accesses ea
          WHERE ea.account_id = caller.id AND ea.patient_id = p.id AND ea.expires_at > now()
            AND (caller.role = 'admin' OR ea.clinic_id = caller.clinic_id AND ${isClinician})
        )`,
  /** Of the clinic that owns an assignment's patient. */
  memberOfAssigned: sql`m.owner_id = caller.clinic_id`,
  clinicianOfAssigned: sql`m.owner_id = caller.clinic_id AND ${isClinician}`,
  /** The own account of the doctor of an assignment. */
  doctorOfAssigned: sql`m.current_doctor_id = caller.doctor_id`,
  /** The own account of an assigned doctor, with whom the appointment is to be. */
  assignedDoctorBooked: sql`p.owner_id IS NOT NULL AND ${intParam("doctor")} = caller.doctor_id AND EXISTS (
          SELECT FROM mappings m
          WHERE m.patient_id = p.id AND m.doctor_id = caller.doctor_id
        )`,
  /** Of the clinic that owns an appointment's patient: a member, or a clerk or more. */
  memberOfBooked: sql`a.owner_id = caller.clinic_id`,
  clerkOfBooked: sql`a.owner_id = caller.clinic_id AND ${isClerk}`,
  /**
   * A manager of that clinic, in whichever clinic its session works. It is no EXISTS: for that, PostgreSQL may read all
   * memberships when its statistics are old. Shown by test/db/plans.test.ts.
   */
  managerOfBooked: sql`(
          SELECT ms.role = 'manager' AND ms.ended_at IS NULL AND ms.clinic_active AND NOT ms.is_interim FROM memberships ms
          WHERE ms.clinic_id = a.owner_id AND ms.account_id = caller.id
        )`,
  /** The own account of the doctor of an appointment. */
  doctorOfBooked: sql`a.owner_id IS NOT NULL AND a.doctor_id = caller.doctor_id`,
  /** With an emergency access to the patient of an appointment. */
  withEmergencyAccessToBooked: sql`a.owner_id IS NOT NULL AND EXISTS (
          SELECT FROM emergency_accesses ea
          WHERE ea.account_id = caller.id AND ea.patient_id = a.patient_id AND ea.expires_at > now()
            AND (caller.role = 'admin' OR ea.clinic_id = caller.clinic_id AND ${isClinician})
        )`,
  /** A doctor's own account. */
  ownDoctor: sql`d.id = caller.doctor_id`,
  /** The account that created a doctor. */
  creator: sql`d.created_by = caller.id`,
} satisfies Record<string, SQL>;

/**
 * Which roles have a permission. What is not listed needs none: one's own account and sessions, and creating doctors.
 */
const permissions = {
  "patients:create": ["clerk"],
  "patients:export": ["clerk"],
  "patients:list": ["memberOfOwner", "assignedDoctor"],
  "patients:read": ["memberOfOwner", "assignedDoctor", "withEmergencyAccess"],
  "patients:read_audit_log": [
    "memberOfOwner",
    "assignedDoctor",
    "withEmergencyAccess",
    "memberOfFormerOwner",
  ],
  "patients:change": ["clerkOfOwner"],
  "patients:delete": ["clinicianOfOwner"],
  "patients:merge": ["clinicianOfOwner"],
  "patients:assign_doctor": ["clinicianOfOwner"],
  "patients:find_deleted": ["memberOfOwner", "memberOfFormerOwner", "adminOfDeleted"],
  "patients:restore": ["clinicianOfOwner", "clinicianOfFormerOwner", "adminOfDeleted"],
  "patients:transfer": ["admin"],
  "patients:erase": ["admin"],
  "patients:grant_emergency_access": ["admin", "emergencyMember"],
  "emergency_accesses:list": ["admin", "manager"],
  "assignments:list": ["memberOfAssigned", "doctorOfAssigned"],
  "assignments:create": ["clinician"],
  "assignments:reassign": ["manager", "admin"],
  "assignments:change": ["clinicianOfAssigned", "admin"],
  "appointments:book": ["clerkOfOwner", "assignedDoctorBooked"],
  "appointments:override": ["manager", "ownDoctor"],
  "appointments:list": ["memberOfBooked", "doctorOfBooked"],
  "appointments:read": ["memberOfBooked", "doctorOfBooked", "withEmergencyAccessToBooked"],
  "appointments:change": ["clerkOfBooked", "doctorOfBooked"],
  "appointments:cancel_for_absence": ["clerkOfBooked", "managerOfBooked", "doctorOfBooked", "admin"],
  "appointments:change_doctor": ["clerkOfBooked"],
  "schedules:change": ["creator", "ownDoctor", "admin"],
  "doctors:read": ["anyAccount"],
  "doctors:change": ["creator", "admin"],
  "identifier_systems:read": ["anyAccount"],
  "identifier_systems:change": ["admin"],
  "accounts:read": ["admin", "auditor"],
  "accounts:manage": ["admin"],
  "invitations:manage": ["admin"],
  "audit_log:read": ["admin", "auditor"],
} satisfies Record<string, (keyof typeof callerRoles)[]>;

/**
 * Whether the caller has a permission. For a permission on a record it is a condition on `p`, `m`, `a` or `d`, which the
 * statement must have in FROM. All roles are conditions on the one row of `caller`: with a subquery for each of its
 * columns, reading one patient takes 8 % more CPU, because PostgreSQL prepares every subquery for each call.
 */
export function can(permission: keyof typeof permissions): SQL<boolean> {
  const roles = permissions[permission].map((name) => callerRoles[name]);
  if (roles.length === 1) return sql`EXISTS (SELECT FROM caller WHERE ${sql.join(roles)})`;
  return sql`EXISTS (
        SELECT FROM caller
        WHERE ${sql.join(roles, sql`\nOR `)}
      )`;
}

/**
 * Whether a patient `p` belongs to the clinic in which the caller works: then only a higher role is missing where a
 * permission is.
 */
export const isOwnPatient = sql`p.owner_id = ${callerClinicId}`;

/**
 * Whether an invitation `i` can be used: it has not expired, and the account that sent it is still an active admin, or for an
 * invitation to a clinic an active manager of it. An operator's invitation is from no account. The subqueries are no EXISTS,
 * as in `managerOfBooked`.
 */
export const isInvitationValid = sql`i.expires_at > now()
      AND (i.created_by IS NULL OR (SELECT u.active AND u.role = 'admin' FROM users u WHERE u.id = i.created_by)
        OR i.role = 'clinician' AND (
          SELECT ms.role = 'manager' AND ms.ended_at IS NULL AND u.active AND u.role <> 'auditor'
          FROM memberships ms JOIN users u ON u.id = ms.account_id
          WHERE ms.clinic_id = i.clinic_id AND ms.account_id = i.created_by
        ))`;
