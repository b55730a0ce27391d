import { sql } from "drizzle-orm";
import { can } from "./permissions.ts";

// Open appointments are in the way of some changes: of ending an assignment, and of an absence or another time zone of
// the doctor.

/** The appointments that are in the way; null if the step has no rows. */
export interface OpenAppointments {
  /** The ids of those that the caller may see. */
  appointments: number[];
  /** How many more there are. */
  others: number;
}

/** The column `openAppointments` of a statement: `OpenAppointments` from a step with appointments. */
export const openAppointmentsColumn = (step: string) => sql`(
    SELECT json_build_object('appointments', coalesce(json_agg(a.id ORDER BY a.id) FILTER (WHERE ${can("appointments:list")}), '[]'),
      'others', count(*) FILTER (WHERE NOT ${can("appointments:list")}))
    FROM ${sql.raw(step)} a HAVING count(*) > 0
  ) AS "openAppointments"`;

/** Cancelled appointments, for the audit log. */
export const cancelledChange = (step: string) => sql`(
      SELECT json_build_object('appointments', json_build_object('before', json_agg(id ORDER BY id), 'after', '[]'::json))
      FROM ${sql.raw(step)} HAVING count(*) > 0)`;
