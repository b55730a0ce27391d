import type { TestAccount } from "./accounts.ts";
import { asOwner } from "./owner.ts";
import { assignDoctor, postDoctor, postPatient } from "./resources.ts";

const HOUR_MS = 3_600_000;

/** The whole hour that is so many hours from now, as a timestamp. */
export const hoursFromNow = (hours: number): string =>
  new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS + hours * HOUR_MS).toISOString();

interface InsertedAppointment {
  /** Hours from now, 24 when left out. It lasts half an hour. */
  hours?: number;
  status?: string;
}

/**
 * Inserts an appointment of an assigned doctor, also one of the past, which no request can book. The triggers are fired.
 *
 * @returns its id
 */
export async function insertAppointment(
  patient: { id: number },
  doctor: { id: number },
  { hours = 24, status = "booked" }: InsertedAppointment = {},
): Promise<number> {
  const startsAt = hoursFromNow(hours);
  const [row] = await asOwner`
    INSERT INTO appointments (patient_id, owner_id, doctor_id, starts_at, ends_at, time_zone, status, created_by)
    SELECT p.id, p.owner_id, ${doctor.id}::int, ${startsAt}::timestamptz, ${startsAt}::timestamptz + interval '30 minutes', 'UTC',
      ${status}, p.created_by
    FROM patients p WHERE p.id = ${patient.id} RETURNING id`;
  return Number(row?.["id"]);
}

/** A patient and a doctor of an account, and their assignment. */
export async function assignedPair(account: TestAccount) {
  const [patient, doctor] = [await postPatient(account), await postDoctor(account)];
  const { id } = await assignDoctor(account, { patient, doctor });
  return { patient: { id: patient.id }, doctor: { id: doctor.id }, assignment: { id } };
}

/** Minutes of a week, from Monday on: all of them. */
const ALWAYS = "{[0,10080)}";

interface InsertedSchedule {
  zone?: string;
  slotMinutes?: number;
  /** Minutes of the week, counted from Monday on, as a multirange; all when left out. */
  week?: string;
}

/** Gives a doctor hours by SQL. */
export const setSchedule = (
  doctor: { id: number },
  { zone = "UTC", slotMinutes = 30, week = ALWAYS }: InsertedSchedule = {},
) => asOwner`
  INSERT INTO schedules (doctor_id, time_zone, slot_minutes, week) VALUES (${doctor.id}, ${zone}, ${slotMinutes}, ${week}::int4multirange)
  ON CONFLICT (doctor_id) DO UPDATE SET time_zone = EXCLUDED.time_zone, slot_minutes = EXCLUDED.slot_minutes, week = EXCLUDED.week`;

/** An assigned pair whose doctor can be booked at any time. */
export async function bookablePair(account: TestAccount, schedule?: InsertedSchedule) {
  const pair = await assignedPair(account);
  await setSchedule(pair.doctor, schedule);
  return pair;
}

/** What the database says of an appointment. */
export async function storedAppointment(id: number) {
  const [row] = await asOwner`
    SELECT patient_id, owner_id, doctor_id, status, cancel_reason, version FROM appointments WHERE id = ${id}`;
  return row;
}
