import { type SQL, sql } from "drizzle-orm";
import { doctors, emergency_accesses, mappings, patients } from "../schema.ts";
import { callerDoctor, callerId, callerIsAdmin } from "./caller.ts";
import { isOwn } from "./resource.ts";

/** Who the caller may be to a record, as a condition on that. */
const relations = {
  everybody: sql`true`,
  admin: callerIsAdmin,
  /** Whose patient it is: one that is deleted is nobody's. */
  owner: isOwn(patients.owner_id),
  /** Whose it was when it was deleted. */
  formerOwner: isOwn(patients.deleted_from),
  adminOfDeleted: sql`${patients.deleted_at} IS NOT NULL AND ${callerIsAdmin}`,
  /** The own account of a doctor who is assigned. */
  assignedDoctor: sql`${patients.owner_id} IS NOT NULL AND EXISTS (
    SELECT FROM ${mappings} m WHERE m.patient_id = ${patients.id} AND m.doctor_id = ${callerDoctor})`,
  /** An admin who has said why, for a while. */
  opener: sql`${patients.owner_id} IS NOT NULL AND ${callerIsAdmin} AND EXISTS (
    SELECT FROM ${emergency_accesses} e
    WHERE e.account_id = ${callerId} AND e.patient_id = ${patients.id} AND e.expires_at > now())`,
  ownerOfAssigned: isOwn(mappings.owner_id),
  /** Who has put a doctor into the directory. */
  creator: isOwn(doctors.created_by),
} satisfies Record<string, SQL>;

/** Who may do what. What is not here is everybody's own: its account, its sessions, what it makes. */
const rights = {
  "read a patient": ["owner", "assignedDoctor", "opener"],
  "read a patient's record": ["owner", "assignedDoctor", "opener", "formerOwner"],
  "change a patient": ["owner"],
  "assign a doctor to a patient": ["owner"],
  "restore a patient": ["owner", "formerOwner", "adminOfDeleted"],
  "hand a patient over": ["admin"],
  "open a patient": ["admin"],
  "end an assignment": ["ownerOfAssigned", "admin"],
  "read a doctor": ["everybody"],
  "change a doctor": ["creator", "admin"],
  "see to accounts": ["admin"],
  invite: ["admin"],
  "read the record": ["admin"],
} satisfies Record<string, (keyof typeof relations)[]>;

/** Whether the caller may do something: the condition by which a statement finds what to do it with. */
export const may = (deed: keyof typeof rights): SQL<boolean> =>
  sql`(${sql.join(
    rights[deed].map((relation) => relations[relation]),
    sql` OR `,
  )})`;
