import { sql } from "drizzle-orm";
import { outcomeOfReading } from "../../db/query/audit.ts";
import { callerId, framed, outcomeForAdmin } from "../../db/query/caller.ts";
import { bodyOf, moment } from "../../db/query/json.ts";
import { may } from "../../db/query/permissions.ts";
import { emergency_accesses, patients } from "../../db/schema.ts";
import { exists, type Json, value } from "../../db/statement.ts";
import type { EmergencyAccess } from "../responses.ts";

const id = sql`${value("id")}::int`;
const mayOpen = may("open a patient");
/** Opens a patient to an admin for an hour, to be read, and puts the reason on record: its `body`, null when there is none. */
export const openPatient = framed<
  { admin: boolean; body: Json<EmergencyAccess> | null },
  { id: number; reason: string }
>(() => ({
  entry: {
    action: "break_glass",
    outcome: outcomeForAdmin(outcomeOfReading(exists("opened"))),
    patients: sql`ARRAY[${id}]`,
    reason: sql`${value("reason")}::text`,
  },
  steps: {
    opened: sql`
      INSERT INTO ${emergency_accesses} (account_id, patient_id, expires_at)
      SELECT ${callerId}, ${patients.id}, now() + interval '1 hour' FROM ${patients}
      WHERE ${patients.id} = ${id} AND ${patients.owner_id} IS NOT NULL AND ${mayOpen}
      ON CONFLICT (account_id, patient_id) DO UPDATE SET expires_at = EXCLUDED.expires_at
      RETURNING patient_id, expires_at`,
    answer: sql`
      SELECT patient_id AS patient, ${value("reason")}::text AS reason,
        ${moment(emergency_accesses.expires_at)} AS expires_at
      FROM opened ${emergency_accesses}`,
  },
  row: { admin: mayOpen, body: bodyOf("answer") },
}));
