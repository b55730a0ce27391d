// The query parameters of the lists. Written by hand: the API's schemas describe them as strings. `cursor` is missing
// because the list sends it itself.
import type { Appointment, AuditEvent, Doctor, Patient } from "./types.ts";

type Gender = Patient["gender"];
type Specialization = Doctor["specialization"];

/** The number of records a page: 1 to 200, 50 by default. */
export type Paged = { limit?: number | undefined };

/** The order: ascending by this field, or descending with `-` before it; `id` by default. */
type Sorted<Key extends string> = { sort?: Key | `-${Key}` | undefined };

/** A list in order of `id`, which is also the order of creation; `-id` lists the newest first. */
export type SortedById = Paged & Sorted<"id">;

/** Filters for patients: a patient must match all that are given. */
export interface PatientQuery extends Paged, Sorted<"id" | "lastname" | "created_at" | "updated_at"> {
  /** The start of the first, the last or the full name; case and accents do not matter. */
  search?: string | undefined;
  /** This email; case does not matter. */
  email?: string | undefined;
  /** This phone number, with its country code. */
  phone?: string | undefined;
  /** `mrn:123`, or `123` of any identifier system; case, spaces and hyphens do not matter. */
  identifier?: string | undefined;
  gender?: Gender | undefined;
  min_age?: number | undefined;
  max_age?: number | undefined;
  /** The first possible birth date, such as `1990-05-17`, `1990-05` or `1990`. */
  born_from?: string | undefined;
  /** The last possible birth date. */
  born_to?: string | undefined;
  /** The id of an assigned doctor. */
  doctor?: number | undefined;
  /** `true` lists the deleted patients, which can be restored, instead of the others. */
  deleted?: boolean | undefined;
  /** Changed at this time or later: a time in UTC, such as `2026-11-26T09:30:00Z`. */
  updated_since?: string | undefined;
}

/** Filters for doctors: a doctor must match all that are given. */
export interface DoctorQuery extends Paged, Sorted<"id" | "lastname" | "created_at" | "updated_at"> {
  /** The start of the first, the last or the full name; case and accents do not matter. */
  search?: string | undefined;
  specialization?: Specialization | undefined;
  /** Whether the doctor accepts new patients. */
  active?: boolean | undefined;
  /** The id of one of your patients. */
  patient?: number | undefined;
  /** Changed at this time or later: a time in UTC, such as `2026-11-26T09:30:00Z`. */
  updated_since?: string | undefined;
}

/** Filters for assignments: an assignment must match all that are given. */
export interface AssignmentQuery extends Paged, Sorted<"id" | "created_at"> {
  /** The id of a patient. */
  patient?: number | undefined;
  /** The id of a doctor. */
  doctor?: number | undefined;
  /** `true` lists the assignments that have ended, instead of the current ones. */
  ended?: boolean | undefined;
}

/** Filters for appointments: an appointment must match all that are given. */
export interface AppointmentQuery extends Paged {
  /** The id of a patient. */
  patient?: number | undefined;
  /** The id of a doctor. */
  doctor?: number | undefined;
  status?: Appointment["status"] | undefined;
  /** It starts at this time or later: a time in UTC, such as `2026-12-07T00:00:00Z`. */
  from?: string | undefined;
  /** It starts before this time. */
  to?: string | undefined;
  /** The order: `starts_at` by default. */
  sort?: "starts_at" | "-starts_at" | "id" | "-id" | undefined;
}

/** Which slots of a doctor. */
export interface SlotsQuery {
  /** The first day, such as `2026-12-07`, in the doctor's time zone. */
  from: string;
  /** The last day; at most 31 days in all. */
  to: string;
  /** How long the slots are, in minutes. The doctor's `slot_minutes` by default. */
  minutes?: number | undefined;
  /** The id of a patient: only slots in which this patient has no other appointment. */
  patient?: number | undefined;
  /** The number of slots a page: 1 to 1,000, 200 by default. */
  limit?: number | undefined;
}

/** Which doctors, and which of their slots. */
export interface EarliestSlotsQuery {
  /** The first day, such as `2026-12-07`, in each doctor's time zone. */
  from: string;
  /** The last day; at most 7 days in all. */
  to: string;
  /** How long the slots are, in minutes. Each doctor's `slot_minutes` by default. */
  minutes?: number | undefined;
  specialization?: Specialization | undefined;
}

/**
 * Filters for audit events: an event must match all that are given. Times are in UTC, such as `2026-11-26T09:30:00Z`.
 */
export interface EventQuery extends Paged {
  /** The id of the account that acted. */
  account?: number | undefined;
  /** The id of a patient that the event is about. */
  patient?: number | undefined;
  /** The name of the action, such as `read` or `update`. */
  action?: AuditEvent["action"] | undefined;
  outcome?: AuditEvent["outcome"] | undefined;
  /** At this time or later. */
  from?: string | undefined;
  /** Before this time. */
  to?: string | undefined;
}
