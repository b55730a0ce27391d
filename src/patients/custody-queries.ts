import { type SQL, sql } from "drizzle-orm";
import { ended, outcomeOfReading } from "../db/audit.ts";
import { callerId, callerIsAdmin, framed } from "../db/caller.ts";
import { folded } from "../db/columns.ts";
import { moment } from "../db/json.ts";
import { doctors, emergency_accesses, mappings, patients, users } from "../db/schema.ts";
import { type Json, value } from "../db/statement.ts";
import type { EmergencyAccess, HandedOver, HandedOverAll, Restored } from "./contract.ts";

// Whose a patient is, and who else may read it: what an owner or an admin does, beside the work on its data.

const id = sql`${value("id")}::int`;
const ofId = { patients: sql`ARRAY[${id}]` };
const exists = (step: string): SQL<boolean> => sql`EXISTS (SELECT FROM ${sql.identifier(step)})`;
const bodyOfRow = <Shape>(columns: SQL, from: SQL): SQL<Json<Shape> | null> =>
  sql`(SELECT row_to_json(r)::text FROM (SELECT ${columns} FROM ${from}) r)`;
/** How it ended: who is no admin is refused, whatever there is. */
const outcomeForAdmin = (outcome: SQL): SQL =>
  sql`CASE WHEN ${callerIsAdmin} THEN ${outcome} ELSE ${ended("refused")} END`;
const touched = sql`updated_at = now(), version = ${patients.version} + 1`;

/**
 * Brings a deleted patient of the caller's back, or for an admin anybody's, with the assignments it had: its `body`, null when
 * there is none; and the doctors that are `missing` meanwhile, without whose assignments it comes back when it is
 * `partial`, and otherwise not at all. One that is not deleted is as it should be. A taken email breaks
 * `patients_owner_id_email_key`.
 */
export const restorePatient = framed<
  { body: Json<Restored> | null; missing: number[] },
  { id: number; partial: boolean }
>(
  {
    action: "restore",
    outcome: sql`CASE WHEN ${exists("gone")} THEN ${ended("refused")} ELSE ${outcomeOfReading(exists("found"))} END`,
    ...ofId,
  },
  {
    found: sql`
      SELECT ${patients.id}, ${patients.deleted_from} FROM ${patients}
      WHERE ${patients.id} = ${id} AND ${callerId} IS NOT NULL AND (
        ${patients.owner_id} = ${callerId}
        OR ${patients.deleted_at} IS NOT NULL AND (${patients.deleted_from} = ${callerId} OR ${callerIsAdmin}))
      FOR UPDATE`,
    missing: sql`
      SELECT ${mappings.id}, ${mappings.doctor_id} FROM found JOIN ${mappings} ON ${mappings.patient_id} = found.id
      WHERE NOT EXISTS (SELECT FROM ${doctors} WHERE ${doctors.id} = ${mappings.doctor_id})`,
    gone: sql`SELECT FROM missing WHERE NOT ${value("partial")}::boolean`,
    restored: sql`
      UPDATE ${patients} SET owner_id = found.deleted_from, deleted_from = NULL, deleted_at = NULL, ${touched}
      FROM found WHERE ${patients.id} = found.id AND found.deleted_from IS NOT NULL AND NOT ${exists("gone")}
      RETURNING ${patients.id}`,
    // The others come back by the trigger patients_restored (drizzle/0004_owners.sql).
    forgotten: sql`DELETE FROM ${mappings} USING missing, restored WHERE ${mappings.id} = missing.id`,
  },
  {
    body: bodyOfRow(
      sql`id, ARRAY(
        SELECT doctor_id FROM ${mappings} m
        WHERE m.patient_id = found.id AND m.id NOT IN (SELECT id FROM missing) ORDER BY doctor_id) AS doctors`,
      sql`found WHERE NOT ${exists("gone")}`,
    ),
    missing: sql`ARRAY(SELECT doctor_id FROM missing ORDER BY doctor_id)`,
  },
);

/** The account that patients are handed over to. */
const receiver = sql`SELECT ${users.id} FROM ${users} WHERE ${users.id} = ${value("to")} AND ${users.active}`;

/**
 * Hands a patient over to another account, for an admin: its `body`; null when there is no such patient, or no such `receiver`
 * that is active. An email that the receiver has breaks `patients_owner_id_email_key`.
 */
export const transferPatient = framed<
  { admin: boolean; receiver: boolean; body: Json<HandedOver> | null },
  { id: number; to: number }
>(
  {
    action: "transfer",
    outcome: outcomeForAdmin(
      sql`CASE WHEN ${exists("receiver")} THEN ${outcomeOfReading(exists("target"))} ELSE ${ended("refused")} END`,
    ),
    ...ofId,
    changes: sql`(
      SELECT json_build_object('owner', json_build_object('before', target.owner_id, 'after', moved.owner_id))
      FROM target, moved)`,
  },
  {
    receiver,
    target: sql`
      SELECT ${patients.id}, ${patients.owner_id} FROM ${patients}
      WHERE ${patients.id} = ${id} AND ${patients.owner_id} IS NOT NULL AND ${callerIsAdmin} FOR UPDATE`,
    moved: sql`
      UPDATE ${patients} SET owner_id = receiver.id, ${touched} FROM target, receiver
      WHERE ${patients.id} = target.id AND target.owner_id <> receiver.id RETURNING ${patients.owner_id}`,
  },
  {
    admin: callerIsAdmin,
    receiver: exists("receiver"),
    body: bodyOfRow(sql`target.id, receiver.id AS owner`, sql`target, receiver`),
  },
);

/** How many patients one request hands over at most: as many as are done in time. */
const BATCH = sql.raw("10000");
const [giver, taker] = [sql`${value("from")}::int`, sql`${value("to")}::int`];

/**
 * Hands all of an account's patients over to another one, for an admin, those that are deleted too; but for the ones whose
 * email the receiver has already.
 */
export const transferPatients = framed<
  { admin: boolean; giver: boolean; receiver: boolean; body: Json<HandedOverAll> | null },
  { from: number; to: number }
>(
  {
    action: "transfer",
    outcome: outcomeForAdmin(
      sql`CASE WHEN ${exists("receiver")} AND ${exists("giver")} THEN ${ended("done")} ELSE ${ended("refused")} END`,
    ),
    patients: sql`ARRAY(SELECT id FROM moved ORDER BY id)`,
    changes: sql`(
      SELECT json_build_object('owner', json_build_object('before', ${giver}, 'after', ${taker})) WHERE ${exists("moved")})`,
  },
  {
    receiver: sql`${receiver} AND ${callerIsAdmin}`,
    giver: sql`SELECT ${users.id} FROM ${users} WHERE ${users.id} = ${giver}`,
    theirs: sql`
      SELECT ${patients.id}, EXISTS (
        SELECT FROM ${patients} own
        WHERE ${folded(sql`own.email`)} = ${folded(patients.email)} AND own.owner_id = ${taker}) AS conflicts
      FROM ${patients} WHERE ${patients.owner_id} = ${giver} AND ${exists("receiver")}`,
    chosen: sql`SELECT id FROM theirs WHERE NOT conflicts ORDER BY id LIMIT ${BATCH}`,
    hidden: sql`
      SELECT ${patients.id} FROM ${patients}
      WHERE ${patients.deleted_from} = ${giver} AND ${patients.deleted_at} IS NOT NULL AND ${exists("receiver")}
      LIMIT ${BATCH}`,
    moved: sql`
      UPDATE ${patients} SET ${touched},
        owner_id = CASE WHEN ${patients.deleted_at} IS NULL THEN ${taker} END,
        deleted_from = CASE WHEN ${patients.deleted_at} IS NOT NULL THEN ${taker} END
      WHERE ${patients.id} IN (SELECT id FROM chosen UNION ALL SELECT id FROM hidden)
        AND ${giver} IN (${patients.owner_id}, ${patients.deleted_from})
      RETURNING ${patients.id}`,
  },
  {
    admin: callerIsAdmin,
    giver: exists("giver"),
    receiver: exists("receiver"),
    body: bodyOfRow(
      sql`(SELECT count(*)::int FROM moved) AS transferred,
        ARRAY(SELECT id FROM theirs WHERE conflicts ORDER BY id) AS conflicts,
        ${BATCH} IN ((SELECT count(*) FROM chosen), (SELECT count(*) FROM hidden)) AS more`,
      sql`giver, receiver`,
    ),
  },
);

/** Opens a patient to an admin for an hour, to be read, and puts the reason on record: its `body`, null when there is none. */
export const openPatient = framed<
  { admin: boolean; body: Json<EmergencyAccess> | null },
  { id: number; reason: string }
>(
  {
    action: "break_glass",
    outcome: outcomeForAdmin(outcomeOfReading(exists("opened"))),
    ...ofId,
    reason: sql`${value("reason")}::text`,
  },
  {
    opened: sql`
      INSERT INTO ${emergency_accesses} (account_id, patient_id, expires_at)
      SELECT ${callerId}, ${patients.id}, now() + interval '1 hour' FROM ${patients}
      WHERE ${patients.id} = ${id} AND ${patients.owner_id} IS NOT NULL AND ${callerIsAdmin}
      ON CONFLICT (account_id, patient_id) DO UPDATE SET expires_at = EXCLUDED.expires_at
      RETURNING patient_id, expires_at`,
  },
  {
    admin: callerIsAdmin,
    body: bodyOfRow(
      sql`patient_id AS patient, ${value("reason")}::text AS reason, ${moment(emergency_accesses.expires_at)} AS expires_at`,
      sql`opened ${emergency_accesses}`,
    ),
  },
);
