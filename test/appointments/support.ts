import type { TestAccount } from "../support/accounts.ts";
import { asOwner } from "../support/owner.ts";
import { postResource } from "../support/resources.ts";

export const list = "/api/appointments/";
export const pathOf = ({ id }: { id: number }) => `${list}${id}/`;

interface Pair {
  patient: { id: number };
  doctor: { id: number };
}

/** The body of a booking. */
export const bookingOf = ({ patient, doctor }: Pair, startsAt: string, fields: object = {}) => ({
  ...{ patient: patient.id, doctor: doctor.id, starts_at: startsAt },
  ...fields,
});

export const book = (account: TestAccount, pair: Pair, startsAt: string, fields: object = {}, headers = {}) =>
  account.post(list, bookingOf(pair, startsAt, fields), { headers });

/** Books an appointment. @returns the body of the answer; throws when it is not 201 */
export const booked = (account: TestAccount, pair: Pair, startsAt: string, fields: object = {}) =>
  postResource(account, list, bookingOf(pair, startsAt, fields));

/** Sets how many appointments a doctor has on a day at most. */
export const setLimit = (doctor: { id: number }, limit: number) =>
  asOwner`UPDATE doctors SET max_appointments_per_day = ${limit} WHERE id = ${doctor.id}`;

/** Adds minutes to a moment. */
export const minutesAfter = (moment: string, minutes: number): string =>
  new Date(Date.parse(moment) + minutes * 60_000).toISOString();

/** The date in UTC that is a number of days after today. */
export const daysFromNow = (days: number): string =>
  new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
