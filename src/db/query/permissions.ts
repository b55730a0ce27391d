import { type SQL, sql } from "drizzle-orm";
import { callerClinicId, callerDoctorId, callerId, callerIsAdmin, callerIsAuditor } from "./caller.ts";

/**
 * What the caller can be to a record, as conditions on that record. In every statement `p` is a patient, `m` an
 * assignment and `d` a doctor.
 */
const callerRoles = {
  anyAccount: sql`true`,
  admin: callerIsAdmin,
  auditor: callerIsAuditor,
  /** The owner of a patient. A deleted patient has none. */
  owner: sql`p.owner_id = ${callerClinicId}`,
  /** The owner at the time of the deletion. */
  formerOwner: sql`p.deleted_from = ${callerClinicId}`,
  adminOfDeleted: sql`p.deleted_at IS NOT NULL AND ${callerIsAdmin}`,
  /** The own account of an assigned doctor. */
  assignedDoctor: sql`p.owner_id IS NOT NULL AND EXISTS (
        SELECT FROM mappings m
        WHERE m.patient_id = p.id AND m.doctor_id = ${callerDoctorId}
      )`,
  /** An admin with an emergency access (break-glass) that has not expired. */
  emergencyAdmin: sql`p.owner_id IS NOT NULL AND ${callerIsAdmin} AND EXISTS (
        SELECT FROM emergency_accesses ea
        WHERE ea.account_id = ${callerId} AND ea.patient_id = p.id AND ea.expires_at > now()
      )`,
  /** The owner of an assignment's patient. */
  ownerOfAssigned: sql`m.owner_id = ${callerClinicId}`,
  /** The own account of the doctor of an assignment. */
  doctorOfAssigned: sql`m.current_doctor_id = ${callerDoctorId}`,
  /** The account that created a doctor. */
  creator: sql`d.created_by = ${callerId}`,
} satisfies Record<string, SQL>;

/**
 * Which roles have a permission. What is not listed needs none: one's own account and sessions, and creating records.
 */
const permissions = {
  "patients:list": ["owner", "assignedDoctor"],
  "patients:read": ["owner", "assignedDoctor", "emergencyAdmin"],
  "patients:read_audit_log": ["owner", "assignedDoctor", "emergencyAdmin", "formerOwner"],
  "patients:change": ["owner"],
  "patients:assign_doctor": ["owner"],
  "patients:restore": ["owner", "formerOwner", "adminOfDeleted"],
  "patients:transfer": ["admin"],
  "patients:erase": ["admin"],
  "patients:grant_emergency_access": ["admin"],
  "emergency_accesses:list": ["admin"],
  "assignments:list": ["ownerOfAssigned", "doctorOfAssigned"],
  "assignments:end": ["ownerOfAssigned", "admin"],
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
