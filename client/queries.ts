// Written by hand, for the API's schemas of these hold texts where a program has numbers. A list's cursor is not among
// them: it comes from the list itself.
import type { AuditEvent, Doctor, Patient } from "./types.ts";

export type Gender = Patient["gender"];
export type Specialization = Doctor["specialization"];

/** How many records a page holds: 1 to 200, 50 when left out. */
export type Paged = { limit?: number | undefined };

/** What comes first: the smallest, or with `-` before it the largest; `id` when left out. */
type Sorted<Key extends string> = { sort?: Key | `-${Key}` | undefined };

/** All that is given must be true of a patient. */
export interface PatientQuery extends Paged, Sorted<"id" | "lastname" | "created_at"> {
  /** The beginning of the first, the last or the full name, whatever the case and the accents. */
  search?: string | undefined;
  gender?: Gender | undefined;
  min_age?: number | undefined;
  max_age?: number | undefined;
  /** The id of a doctor who is assigned. */
  doctor?: number | undefined;
  /** The deleted ones instead, which can be restored. */
  deleted?: boolean | undefined;
}

/** All that is given must be true of a doctor. */
export interface DoctorQuery extends Paged, Sorted<"id" | "lastname" | "created_at"> {
  /** The beginning of the first, the last or the full name, whatever the case and the accents. */
  search?: string | undefined;
  specialization?: Specialization | undefined;
  /** Whether they take new patients. */
  active?: boolean | undefined;
  /** The id of a patient of yours. */
  patient?: number | undefined;
}

/** All that is given must be true of an assignment. */
export interface AssignmentQuery extends Paged, Sorted<"id" | "created_at"> {
  patient?: number | undefined;
  doctor?: number | undefined;
}

/** All that is given must be true of an event. Moments are in UTC, as `2026-11-26T09:30:00Z`. */
export interface EventQuery extends Paged {
  /** The id of the account that did it. */
  account?: number | undefined;
  /** The id of a patient that it names. */
  patient?: number | undefined;
  action?: string | undefined;
  outcome?: AuditEvent["outcome"] | undefined;
  from?: string | undefined;
  /** Before this moment. */
  to?: string | undefined;
}
