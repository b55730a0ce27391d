import { type SQL, sql } from "drizzle-orm";
import { authenticatedRetryable } from "../db/query/authenticated.ts";
import {
  callerClinicId,
  callerDoctorId,
  callerIsDoctor,
  callerSteps,
  refusalColumn,
} from "../db/query/caller.ts";
import { can } from "../db/query/permissions.ts";
import {
  assignmentKind,
  changeJson,
  changesArray,
  doctorKind,
  type FeedPosition,
  type FeedRow,
  feedAuditEvent,
  feedColumns,
  horizonXact,
  lastId,
  lastKind,
  nextStep,
  PAGE_AND_NEXT,
  PAGE_SIZE,
  patientKind,
  startSteps,
  startXact,
  unionOf,
} from "./steps.ts";

/**
 * The changes that an audience sees, after the position and before the horizon. With the audience in a row comparison,
 * PostgreSQL 15 would read the changes of all later audiences, too: 1.3 s with a million of them. PostgreSQL 18 would not.
 */
const changesOf = (audience: SQL, audienceId: SQL) => sql`SELECT c.xact, c.kind, c.record_id AS id, c.version
      FROM record_changes c
      WHERE c.audience = ${audience} AND c.audience_id = ${audienceId}
        AND (c.xact, c.kind, c.record_id) > (${startXact}, ${lastKind}, ${lastId}) AND c.xact < ${horizonXact}
      ORDER BY c.xact, c.kind, c.record_id`;

/**
 * The last change of each patient of a doctor's own account. They are found by the patient: a change has no row for each
 * doctor, because one that was assigned at the same time could be missed.
 */
const changesOfAssignedPatients = sql`SELECT c.xact, ${patientKind}, m.patient_id, 1
      FROM mappings m JOIN LATERAL (
        SELECT c.xact FROM record_changes c
        WHERE c.kind = 1 AND c.record_id = m.patient_id AND c.xact >= ${startXact} AND c.xact < ${horizonXact}
        ORDER BY c.xact DESC LIMIT 1
      ) c ON true
      WHERE ${callerIsDoctor} AND m.current_doctor_id = ${callerDoctorId}
        AND (c.xact, ${patientKind}, m.patient_id) > (${startXact}, ${lastKind}, ${lastId})
      ORDER BY c.xact, m.patient_id`;

/** The version that the caller would read now; NULL when there is no such record for it. */
const currentVersion = sql`CASE c.kind
        WHEN ${patientKind} THEN (SELECT p.version FROM patients p WHERE p.id = c.id AND ${can("patients:list")})
        WHEN ${doctorKind} THEN (SELECT d.version FROM doctors d WHERE d.id = c.id)
        WHEN ${assignmentKind} THEN (SELECT m.version FROM mappings m WHERE m.id = c.id AND ${can("assignments:list")})
        ELSE (SELECT a.version FROM appointments a WHERE a.id = c.id AND ${can("appointments:list")})
      END`;

/** Of a merged patient, the one that it is part of now, if the caller can read that one. */
const mergedInto = sql`(
        SELECT ',"merged_into":' || p.id FROM patients p
        WHERE c.kind = ${patientKind} AND p.id = (SELECT last_survivor(c.id)) AND ${can("patients:list")})`;

/**
 * A page of the changes since a position. A record that the caller cannot read any more is `deleted`, whatever the change
 * was: so the last entry of a record is right, in whatever order it left and came back.
 */
export const listChangesSince = authenticatedRetryable<FeedRow, FeedPosition>(
  "changes/list-since",
  () => sql`-- GET /api/changes
  WITH ${callerSteps},
  ${startSteps},
  page_and_next AS (
    SELECT xact, kind, id, version, row_number() OVER (ORDER BY xact, kind, id) AS page_position
    FROM (
      SELECT * FROM (
        ${unionOf([
          changesOf(sql`'account'`, callerClinicId),
          changesOf(sql`'doctor'`, callerDoctorId),
          changesOf(sql`'everybody'`, sql`0`),
          changesOfAssignedPatients,
        ])}
      ) changes
      ORDER BY xact, kind, id LIMIT ${PAGE_AND_NEXT}
    ) changes
  ),
  page AS (
    -- A record once, at the place of its last change.
    SELECT DISTINCT ON (kind, id) kind, id, version, page_position FROM page_and_next
    WHERE page_position <= ${PAGE_SIZE} ORDER BY kind, id, page_position DESC
  ),
  entries AS (
    SELECT c.kind, c.id, c.page_position, coalesce(v.current_version, c.version) AS version,
      CASE WHEN v.current_version IS NULL THEN concat(',"deleted":true', ${mergedInto}) ELSE '' END AS deleted
    FROM page c CROSS JOIN LATERAL (
      SELECT ${currentVersion} AS current_version OFFSET 0
    ) v
  ),
  ${nextStep},
  ${feedAuditEvent}
SELECT ${refusalColumn}, ${feedColumns(
    changesArray(changeJson(sql`deleted`), "entries"),
    sql`coalesce(next.xact, horizon.xact) AS xact,
      CASE WHEN next.id IS NULL AND horizon.xact > start.xact THEN now() ELSE start.at END AS at, false AS initial`,
  )}
FROM token_account`,
  { readsInIndexOrder: true },
);
