import { sql } from "drizzle-orm";
import { callerDoctor, callerId, callerIsAdmin } from "./caller.ts";
import { isOwn } from "./frames.ts";
import { emergency_accesses, mappings, patients } from "./schema.ts";

const isOpened = sql`${callerIsAdmin} AND EXISTS (
  SELECT FROM ${emergency_accesses} e
  WHERE e.account_id = ${callerId} AND e.patient_id = ${patients.id} AND e.expires_at > now())`;

const isAssigned = sql`EXISTS (
  SELECT FROM ${mappings} m WHERE m.patient_id = ${patients.id} AND m.doctor_id = ${callerDoctor})`;

/**
 * Whether the caller may read a patient: its own; one that is assigned to the doctor whose account it is; or as an admin who
 * has said why, for a while, one that is anybody's.
 */
export const isReadable = sql`(${isOwn(patients.owner_id)}
  OR ${patients.owner_id} IS NOT NULL AND (${isAssigned} OR ${isOpened}))`;
