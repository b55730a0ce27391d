import type { Member } from "./mix.ts";

/** Asks the database, as its owner, from wherever the test runs. */
export type Query = (text: string, values: unknown[]) => Promise<Record<string, unknown>[]>;

/** What is on record of a request. */
export interface Event {
  account_id: number;
  request_id: string;
  action: string;
  outcome: string;
  patients: number[] | null;
  doctor_id: number | null;
  changes: Record<string, { before: unknown; after: unknown }> | null;
}

/** A patient or a doctor, with its owner if it is one that has one. */
export interface Person extends Record<string, unknown> {
  id: number;
  created_by: number;
  version: number;
  owner_id?: number | null;
}

/** What the database holds of some accounts. */
export interface Stored {
  /** In the order in which they came about, where they are of the same patient or doctor. */
  events: Event[];
  patients: Person[];
  doctors: Person[];
  mappings: { created_by: number; patient_id: number; doctor_id: number }[];
  sessions: { user_id: number }[];
}

/** By one statement, so that it is all of one moment: what a request has left running may end at any other. */
const everything = `
  SELECT (SELECT coalesce(json_agg(e ORDER BY id), '[]') FROM audit_events e WHERE account_id = ANY ($1)) AS events,
    (SELECT coalesce(json_agg(p), '[]') FROM patients p WHERE created_by = ANY ($1)) AS patients,
    (SELECT coalesce(json_agg(d), '[]') FROM doctors d WHERE created_by = ANY ($1)) AS doctors,
    (SELECT coalesce(json_agg(m), '[]') FROM (
      SELECT created_by, patient_id, doctor_id FROM mappings JOIN patients p ON p.id = patient_id
      WHERE created_by = ANY ($1)) m) AS mappings,
    (SELECT coalesce(json_agg(s), '[]') FROM sessions s WHERE user_id = ANY ($1)) AS sessions`;

/** What the database holds of each of the members. */
export async function storedOf(members: Member[], query: Query): Promise<(id: number) => Stored> {
  const [row] = await query(everything, [members.map(({ id }) => id)]);
  const all = row as unknown as Stored;
  const of = (id: number) => (one: { created_by: number }) => one.created_by === id;
  return (id) => ({
    events: all.events.filter(({ account_id }) => account_id === id),
    patients: all.patients.filter(of(id)),
    doctors: all.doctors.filter(of(id)),
    mappings: all.mappings.filter(of(id)),
    sessions: all.sessions.filter(({ user_id }) => user_id === id),
  });
}
