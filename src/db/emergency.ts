import { sql } from "drizzle-orm";
import { callerId, callerIsAdmin } from "./caller.ts";
import { isOwn } from "./frames.ts";
import { emergency_accesses, patients } from "./schema.ts";

/** Whether the caller may read a patient: its own, or as an admin who has said why, for a while, one that is anybody's. */
export const isReadable = sql`(${isOwn(patients.owner_id)} OR ${callerIsAdmin} AND ${patients.owner_id} IS NOT NULL AND EXISTS (
  SELECT FROM ${emergency_accesses} e
  WHERE e.account_id = ${callerId} AND e.patient_id = ${patients.id} AND e.expires_at > now()))`;
