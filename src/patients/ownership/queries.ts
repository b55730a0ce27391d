import { type SQL, sql } from "drizzle-orm";
import { folded } from "../../db/columns.ts";
import { type Action, action, ended, outcomeOfReading } from "../../db/query/audit.ts";
import { framed, isRevoked, outcomeForAdmin, stillAccepted } from "../../db/query/caller.ts";
import { bodyOf } from "../../db/query/json.ts";
import { may } from "../../db/query/permissions.ts";
import { doctors, mappings, patients, users } from "../../db/schema.ts";
import { exists, type Json, value } from "../../db/statement.ts";
import type { HandedOver, HandedOverAll, Restored } from "../responses.ts";

// Whose a patient is, and who else may read it: what an owner or an admin does, beside the work on its data.

const id = sql`${value("id")}::int`;
const ofId = { patients: sql`ARRAY[${id}]` };
/** What is done already is put on record as an answer that is given again: it has not happened once more. */
const actionOf = (one: Action, outcome: SQL, done: string): SQL =>
  sql`CASE WHEN ${outcome} = ${ended("done")} AND NOT ${exists(done)} THEN ${action("replay")} ELSE ${action(one)} END`;
/** Whether an account has another patient with this one's email. */
const isTaken = (owner: SQL): SQL => sql`EXISTS (
  SELECT FROM ${patients} own
  WHERE ${folded(sql`own.email`)} = ${folded(patients.email)} AND own.owner_id = ${owner} AND own.id <> ${patients.id})`;
const touched = sql`updated_at = now(), version = ${patients.version} + 1`;

/** The doctors of the assignments of what was `found`. */
const doctorsOf = (condition: SQL): SQL => sql`ARRAY(
  SELECT doctor_id FROM ${mappings} m WHERE m.patient_id = found.id AND ${condition} ORDER BY doctor_id)`;
const [allDoctors, keptDoctors] = [
  doctorsOf(sql`true`),
  doctorsOf(sql`m.id NOT IN (SELECT id FROM missing)`),
];
/** How restoring ended. */
const outcomeOfRestoring = sql`CASE WHEN ${exists("stuck")} THEN ${ended("refused")} ELSE ${outcomeOfReading(exists("found"))} END`;

/**
 * Brings a deleted patient of the caller's back, or for an admin anybody's, with the assignments it had: its `body`, null when
 * there is none; whether its email is `taken` meanwhile; and the doctors that are `missing`, without whose assignments it
 * comes back when it is `partial`, and otherwise not at all. One that is not deleted is as it should be.
 */
export const restorePatient = framed<
  { body: Json<Restored> | null; revoked: boolean; taken: boolean; missing: number[] },
  { id: number; partial: boolean }
>(() => ({
  entry: {
    action: actionOf("restore", outcomeOfRestoring, "restored"),
    outcome: outcomeOfRestoring,
    ...ofId,
    changes: sql`(
      SELECT json_build_object('doctors', json_build_object('before', ${allDoctors}, 'after', ${keptDoctors}))
      FROM found, restored WHERE ${exists("missing")})`,
  },
  steps: {
    found: sql`
      SELECT ${patients.id}, ${patients.deleted_from}, ${isTaken(sql`${patients.deleted_from}`)} AS taken FROM ${patients}
      WHERE ${patients.id} = ${id} AND ${may("restore a patient")} FOR UPDATE`,
    still: stillAccepted("found"),
    missing: sql`
      SELECT ${mappings.id}, ${mappings.doctor_id} FROM found JOIN ${mappings} ON ${mappings.patient_id} = found.id
      WHERE NOT EXISTS (SELECT FROM ${doctors} WHERE ${doctors.id} = ${mappings.doctor_id})`,
    stuck: sql`
      SELECT FROM found
      WHERE taken OR ${exists("missing")} AND NOT ${value("partial")}::boolean OR NOT ${exists("still")}`,
    restored: sql`
      UPDATE ${patients} SET owner_id = found.deleted_from, deleted_from = NULL, deleted_at = NULL, ${touched}
      FROM found WHERE ${patients.id} = found.id AND found.deleted_from IS NOT NULL AND NOT ${exists("stuck")}
      RETURNING ${patients.id}`,
    // The others come back by the trigger patients_restored (drizzle/0004_owners.sql).
    forgotten: sql`DELETE FROM ${mappings} USING missing, restored WHERE ${mappings.id} = missing.id`,
    answer: sql`SELECT id, ${keptDoctors} AS doctors FROM found WHERE NOT ${exists("stuck")}`,
  },
  row: {
    body: bodyOf("answer"),
    revoked: sql`${exists("found")} AND ${isRevoked}`,
    taken: sql`EXISTS (SELECT FROM found WHERE taken)`,
    missing: sql`ARRAY(SELECT doctor_id FROM missing ORDER BY doctor_id)`,
  },
}));

const mayHandOver = may("hand a patient over");
const taker = sql`${value("to")}::int`;
/** The account that patients are handed over to. */
const receiver = sql`SELECT ${users.id} FROM ${users} WHERE ${users.id} = ${taker} AND ${users.active}`;

/** How handing one over ended. */
const outcomeOfTransferring = outcomeForAdmin(
  sql`CASE WHEN NOT ${exists("receiver")} OR EXISTS (SELECT FROM target WHERE taken OR NOT ${exists("still")}) THEN ${ended("refused")}
    ELSE ${outcomeOfReading(exists("target"))} END`,
);

/**
 * Hands a patient over to another account, for an admin: its `body`; null when there is no such patient, or no such `receiver`
 * that is active, or one that has its email already (`taken`).
 */
export const transferPatient = framed<
  { admin: boolean; revoked: boolean; receiver: boolean; taken: boolean; body: Json<HandedOver> | null },
  { id: number; to: number }
>(() => ({
  entry: {
    action: actionOf("transfer", outcomeOfTransferring, "moved"),
    outcome: outcomeOfTransferring,
    ...ofId,
    changes: sql`(
      SELECT json_build_object('owner', json_build_object('before', target.owner_id, 'after', moved.owner_id))
      FROM target, moved)`,
  },
  steps: {
    receiver,
    target: sql`
      SELECT ${patients.id}, ${patients.owner_id}, ${isTaken(taker)} AS taken FROM ${patients}
      WHERE ${patients.id} = ${id} AND ${patients.owner_id} IS NOT NULL AND ${mayHandOver} FOR UPDATE`,
    still: stillAccepted("target"),
    moved: sql`
      UPDATE ${patients} SET owner_id = receiver.id, ${touched} FROM target, receiver
      WHERE ${patients.id} = target.id AND target.owner_id <> receiver.id AND NOT target.taken AND ${exists("still")}
      RETURNING ${patients.owner_id}`,
    answer: sql`SELECT target.id, receiver.id AS owner FROM target, receiver WHERE NOT taken`,
  },
  row: {
    admin: mayHandOver,
    revoked: sql`${exists("target")} AND ${isRevoked}`,
    receiver: exists("receiver"),
    taken: sql`EXISTS (SELECT FROM target WHERE taken)`,
    body: bodyOf("answer"),
  },
}));

/** How many patients one request hands over at most, with their assignments: as many as are done in time. */
const BATCH = sql.raw("1000");
const giver = sql`${value("from")}::int`;

/**
 * Hands all of an account's patients over to another one, for an admin, those that are deleted too; but for the ones whose
 * email the receiver has already.
 */
export const transferPatients = framed<
  { admin: boolean; revoked: boolean; giver: boolean; receiver: boolean; body: Json<HandedOverAll> | null },
  { from: number; to: number }
>(() => ({
  entry: {
    action: "transfer",
    outcome: outcomeForAdmin(
      sql`CASE WHEN ${exists("receiver")} AND ${exists("giver")} THEN ${ended("done")} ELSE ${ended("refused")} END`,
    ),
    patients: sql`ARRAY(SELECT id FROM moved ORDER BY id)`,
    changes: sql`(
      SELECT json_build_object('owner', json_build_object('before', ${giver}, 'after', ${taker})) FROM giver, receiver)`,
  },
  steps: {
    still: stillAccepted("caller"),
    receiver: sql`${receiver} AND ${mayHandOver} AND ${exists("still")}`,
    giver: sql`SELECT ${users.id} FROM ${users} WHERE ${users.id} = ${giver}`,
    theirs: sql`
      SELECT ${patients.id}, ${isTaken(taker)} AS taken
      FROM ${patients} WHERE ${patients.owner_id} = ${giver} AND ${exists("receiver")}
      UNION ALL SELECT ${patients.id}, false FROM ${patients}
      WHERE ${patients.deleted_from} = ${giver} AND ${patients.deleted_at} IS NOT NULL AND ${exists("receiver")}`,
    chosen: sql`SELECT id FROM theirs WHERE NOT taken ORDER BY id LIMIT ${BATCH}`,
    moved: sql`
      UPDATE ${patients} SET ${touched},
        owner_id = CASE WHEN ${patients.deleted_at} IS NULL THEN ${taker} END,
        deleted_from = CASE WHEN ${patients.deleted_at} IS NOT NULL THEN ${taker} END
      WHERE ${patients.id} IN (SELECT id FROM chosen)
        AND ${giver} IN (${patients.owner_id}, ${patients.deleted_from})
      RETURNING ${patients.id}`,
    answer: sql`
      SELECT (SELECT count(*)::int FROM moved) AS transferred,
        ARRAY(SELECT id FROM theirs WHERE taken ORDER BY id LIMIT ${BATCH}) AS conflicts,
        (SELECT count(*) FROM chosen) = ${BATCH} AS more
      FROM giver, receiver`,
  },
  row: {
    admin: mayHandOver,
    revoked: isRevoked,
    giver: exists("giver"),
    receiver: exists("receiver"),
    body: bodyOf("answer"),
  },
}));
