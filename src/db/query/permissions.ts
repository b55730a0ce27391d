import { type SQL, sql } from "drizzle-orm";
import { param } from "../statement.ts";
import { callerClinicId, callerDoctorId, callerId, callerIsAdmin, callerIsAuditor } from "./caller.ts";

/** Whether the caller works in the clinic as a clerk or more, or as a clinician or more. */
const isClerk = sql`EXISTS (SELECT FROM caller WHERE clinic_role <> 'reader')`;
const isClinician = sql`EXISTS (SELECT FROM caller WHERE clinic_role IN ('clinician', 'manager'))`;

/**
 * What the caller can be to a record, as conditions on that record. In every statement `p` is a patient, `m` an
 * assignment and `d` a doctor.
 */
const callerRoles = {
  anyAccount: sql`true`,
  admin: callerIsAdmin,
  auditor: callerIsAuditor,
  /** In the clinic: a clerk or more, a clinician or more, a manager. */
  clerk: isClerk,
  clinician: isClinician,
  manager: sql`EXISTS (SELECT FROM caller WHERE clinic_role = 'manager')`,
  /** A clinician of a shared clinic, where the installation gives members emergency access. */
  emergencyMember: sql`${param("allows_members")}::boolean AND ${isClinician} AND ${callerClinicId} <> ${callerId}`,
  /** Of the clinic that owns a patient: a member, a clerk or more, a clinician or more. A deleted patient has no owner. */
  memberOfOwner: sql`p.owner_id = ${callerClinicId}`,
  clerkOfOwner: sql`p.owner_id = ${callerClinicId} AND ${isClerk}`,
  clinicianOfOwner: sql`p.owner_id = ${callerClinicId} AND ${isClinician}`,
  /** Of the owner at the time of the deletion. */
  memberOfFormerOwner: sql`p.deleted_from = ${callerClinicId}`,
  clinicianOfFormerOwner: sql`p.deleted_from = ${callerClinicId} AND ${isClinician}`,
  adminOfDeleted: sql`p.deleted_at IS NOT NULL AND ${callerIsAdmin}`,
  /** The own account of an assigned doctor. */
  assignedDoctor: sql`p.owner_id IS NOT NULL AND EXISTS (
        SELECT FROM mappings m
        WHERE m.patient_id = p.id AND m.doctor_id = ${callerDoctorId}
      )`,
  /** An admin, or a clinician of a shared clinic, with an emergency access (break-glass) that has not expired. */
  withEmergencyAccess: sql`p.owner_id IS NOT NULL AND EXISTS (
        SELECT FROM emergency_accesses ea
        WHERE ea.account_id = ${callerId} AND ea.patient_id = p.id AND ea.expires_at > now()
          AND (${callerIsAdmin} OR ea.clinic_id = ${callerClinicId} AND ${isClinician})
      )`,
  /** Of the clinic that owns an assignment's patient. */
  memberOfAssigned: sql`m.owner_id = ${callerClinicId}`,
  clinicianOfAssigned: sql`m.owner_id = ${callerClinicId} AND ${isClinician}`,
  /** The own account of the doctor of an assignment. */
  doctorOfAssigned: sql`m.current_doctor_id = ${callerDoctorId}`,
  /** The account that created a doctor. */
  creator: sql`d.created_by = ${callerId}`,
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
 * Whether the caller has a permission. For a permission on a record it is a condition on `p`, `m` or `d`, which the
 * statement must have in FROM. `admin` and `anyAccount` need none.
 */
export function can(permission: keyof typeof permissions): SQL<boolean> {
  const [role, ...others] = permissions[permission].map((name) => callerRoles[name]);
  if (others.length === 0) return sql`(${role})`;
  return sql`(
        ${role}${sql.join(others.map((other) => sql`\nOR ${other}`))}
      )`;
}

/**
 * Whether a patient `p` belongs to the clinic in which the caller works: then only a higher role is missing where a
 * permission is.
 */
export const isOwnPatient = callerRoles.memberOfOwner;

/**
 * Whether an invitation `i` can be used: it has not expired, and the account that sent it is still an active admin, or for an
 * invitation to a clinic an active manager of it. An operator's invitation is from no account.
 */
export const isInvitationValid = sql`i.expires_at > now()
      AND (i.created_by IS NULL OR (SELECT u.active AND u.role = 'admin' FROM users u WHERE u.id = i.created_by)
        OR i.role = 'clinician' AND EXISTS (
          SELECT FROM memberships ms JOIN users u ON u.id = ms.account_id
          WHERE ms.clinic_id = i.clinic_id AND ms.account_id = i.created_by AND ms.role = 'manager' AND ms.ended_at IS NULL
            AND u.active AND u.role <> 'auditor'
        ))`;
