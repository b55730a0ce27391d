import type { List } from "./list.ts";
import type { AppointmentQuery } from "./queries.ts";
import { type ChangeOptions, type CreateOptions, type GetOptions, recordMethods } from "./records.ts";
import type { CallOptions, Send } from "./request.ts";
import type { Appointment, AppointmentChanges, NewAppointment } from "./types.ts";

/** Appointments of patients with doctors. Every method throws a `ProblemError` when it fails. */
export interface Appointments {
  /** Lists the appointments that match the query, the earliest first. */
  list(query?: AppointmentQuery, options?: CallOptions): List<Appointment>;
  /** Reads the appointment with this id. */
  get(id: number, options?: GetOptions<Appointment>): Promise<Appointment>;
  /**
   * Books an appointment. It throws a problem with the code `not_bookable`, whose `rules` say why and whose `nextFree` what
   * is free, when the time is not. Without a response it is sent again with the same idempotency key, and books one only.
   */
  create(appointment: NewAppointment, options?: CreateOptions): Promise<Appointment>;
  /**
   * Moves an appointment, or changes its status, or its note. Without a response it is retried with `ifMatch` only: a retry
   * could overwrite another change.
   */
  update(id: number, changes: AppointmentChanges, options?: ChangeOptions<Appointment>): Promise<Appointment>;
  /** Cancels an appointment, with a reason or without: the same as an `update` of its status. */
  cancel(id: number, reason?: string, options?: ChangeOptions<Appointment>): Promise<Appointment>;
}

/** The methods of `appointments`. An appointment is never deleted. */
export function appointmentMethods(send: Send): Appointments {
  const { list, get, create, update } = recordMethods<
    Appointment,
    NewAppointment,
    AppointmentChanges,
    AppointmentQuery
  >(send, "api/appointments/", storedFields);
  return {
    ...{ list, get, create, update },
    cancel: (id, reason, options) =>
      update(id, { status: "cancelled", cancel_reason: reason ?? null }, options),
  };
}

const toUtc = (time: number): string => new Date(time).toISOString();

/** An appointment has times in UTC, and its end in place of its length. */
const storedFields = ({ minutes, ...changes }: AppointmentChanges, { starts_at }: Appointment): object => ({
  ...changes,
  ...(changes.starts_at && { starts_at: toUtc(Date.parse(changes.starts_at)) }),
  ...(minutes && { ends_at: toUtc(Date.parse(starts_at) + minutes * 60_000) }),
});
