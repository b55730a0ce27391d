import { type SQL, sql } from "drizzle-orm";
import { authenticatedRetryable } from "../db/query/authenticated.ts";
import {
  callerClinicId,
  callerDoctorId,
  callerIsDoctor,
  callerSteps,
  refusalColumn,
} from "../db/query/caller.ts";
import {
  appointmentKind,
  assignmentKind,
  changeJson,
  changesArray,
  doctorKind,
  type FeedPosition,
  type FeedRow,
  feedAuditEvent,
  feedColumns,
  lastId,
  lastKind,
  nextStep,
  PAGE_AND_NEXT,
  PAGE_SIZE,
  patientKind,
  startSteps,
  unionOf,
} from "./steps.ts";

/** The id after which the records of a kind are read: all of them, those after the position, or none. */
const afterId = (ofKind: SQL) =>
  sql`CASE WHEN ${lastKind} < ${ofKind} THEN 0 WHEN ${lastKind} = ${ofKind} THEN ${lastId} ELSE 2147483647 END`;

/** The records that the lists show the caller, each kind in the order of an index. */
const recordScans = [
  sql`SELECT ${patientKind} AS kind, p.id, p.version FROM patients p
      WHERE (p.owner_id, p.id) > (${callerClinicId}, ${afterId(patientKind)}) AND p.owner_id <= ${callerClinicId}
      ORDER BY p.owner_id, p.id`,
  sql`SELECT ${patientKind}, m.patient_id, p.version
      FROM mappings m JOIN LATERAL (SELECT version FROM patients WHERE id = m.patient_id OFFSET 0) p ON true
      WHERE ${callerIsDoctor}
        AND (m.current_doctor_id, m.patient_id) > (${callerDoctorId}, ${afterId(patientKind)}) AND m.current_doctor_id <= ${callerDoctorId}
      ORDER BY m.current_doctor_id, m.patient_id`,
  sql`SELECT ${doctorKind}, d.id, d.version FROM doctors d WHERE d.id > ${afterId(doctorKind)} ORDER BY d.id`,
  sql`SELECT ${assignmentKind}, m.id, m.version FROM mappings m
      WHERE (m.owner_id, m.id) > (${callerClinicId}, ${afterId(assignmentKind)}) AND m.owner_id <= ${callerClinicId}
      ORDER BY m.owner_id, m.id`,
  sql`SELECT ${assignmentKind}, m.id, m.version FROM mappings m
      WHERE ${callerIsDoctor}
        AND (m.current_doctor_id, m.id) > (${callerDoctorId}, ${afterId(assignmentKind)}) AND m.current_doctor_id <= ${callerDoctorId}
      ORDER BY m.current_doctor_id, m.id`,
  sql`SELECT ${appointmentKind}, a.id, a.version FROM appointments a
      WHERE (a.owner_id, a.id) > (${callerClinicId}, ${afterId(appointmentKind)}) AND a.owner_id <= ${callerClinicId}
      ORDER BY a.owner_id, a.id`,
  sql`SELECT ${appointmentKind}, a.id, a.version FROM appointments a
      WHERE ${callerIsDoctor} AND a.owner_id IS NOT NULL
        AND (a.doctor_id, a.id) > (${callerDoctorId}, ${afterId(appointmentKind)}) AND a.doctor_id <= ${callerDoctorId}
      ORDER BY a.doctor_id, a.id`,
];

/**
 * A page of all records that the lists show the caller. After the last one, the feed goes on with the changes since the
 * first page was read.
 */
export const listAllRecords = authenticatedRetryable<FeedRow, FeedPosition>(
  "changes/list-all",
  () => sql`-- GET /api/changes
  WITH ${callerSteps},
  ${startSteps},
  page_and_next AS (
    SELECT kind, id, version, row_number() OVER (ORDER BY kind, id) AS page_position
    FROM (
      SELECT DISTINCT ON (kind, id) kind, id, version FROM (
        ${unionOf(recordScans)}
      ) records
      WHERE EXISTS (SELECT FROM start)
      ORDER BY kind, id LIMIT ${PAGE_AND_NEXT}
    ) records
  ),
  page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= ${PAGE_SIZE}),
  ${nextStep},
  ${feedAuditEvent}
SELECT ${refusalColumn}, ${feedColumns(
    changesArray(changeJson(), "page"),
    sql`start.xact, start.at, next.id IS NOT NULL AS initial`,
  )}
FROM token_account`,
  { readsInIndexOrder: true },
);
