import type { Member } from "./mix.ts";

/** Runs a query as the owner of the database; tests in workerd and in Node each have their own way. */
export type Query = (text: string, values: unknown[]) => Promise<Record<string, unknown>[]>;

/** The audit event of a request. */
export interface Event {
  account_id: number;
  request_id: string;
  action: string;
  outcome: string;
  patients: number[] | null;
  doctor_id: number | null;
  changes: Record<string, { before: unknown; after: unknown }> | null;
}

/** A row of a patient or of a doctor. A doctor has no owner. */
export interface Person extends Record<string, unknown> {
  id: number;
  created_by: number;
  version: number;
  owner_id?: number | null;
}

/** The rows of one account. */
export interface Stored {
  /** In the order in which they happened, for each patient and each doctor. */
  events: Event[];
  patients: Person[];
  doctors: Person[];
  assignments: { created_by: number; patient_id: number; doctor_id: number }[];
  sessions: { user_id: number }[];
}

/**
 * One statement, so that all rows are of the same time: a statement that a request has left behind may still be
 * running.
 */
const everything = `
  SELECT (SELECT coalesce(json_agg(e ORDER BY id), '[]') FROM (
      SELECT account_id, request_id, action, outcome, doctor_id, changes, id,
        CASE WHEN patient_id IS NULL THEN patients ELSE ARRAY[patient_id] END AS patients
      FROM audit_events WHERE account_id = ANY ($1)) e) AS events,
    (SELECT coalesce(json_agg(p), '[]') FROM patients p WHERE created_by = ANY ($1)) AS patients,
    (SELECT coalesce(json_agg(d), '[]') FROM doctors d WHERE created_by = ANY ($1)) AS doctors,
    (SELECT coalesce(json_agg(m), '[]') FROM (
      SELECT created_by, patient_id, doctor_id FROM mappings JOIN patients p ON p.id = patient_id
      WHERE created_by = ANY ($1)) m) AS assignments,
    (SELECT coalesce(json_agg(s), '[]') FROM sessions s WHERE user_id = ANY ($1)) AS sessions`;

/** Reads the rows of all members. @returns the rows of the member with an id */
export async function storedOf(members: Member[], query: Query): Promise<(id: number) => Stored> {
  const [row] = await query(everything, [members.map(({ id }) => id)]);
  const all = row as unknown as Stored;
  const of = (id: number) => (one: { created_by: number }) => one.created_by === id;
  return (id) => ({
    events: all.events.filter(({ account_id }) => account_id === id),
    patients: all.patients.filter(of(id)),
    doctors: all.doctors.filter(of(id)),
    assignments: all.assignments.filter(of(id)),
    sessions: all.sessions.filter(({ user_id }) => user_id === id),
  });
}
