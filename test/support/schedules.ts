import type { TestAccount } from "./accounts.ts";
import { postDoctor, postResource } from "./resources.ts";

export const schedulePath = ({ id }: { id: number }) => `/api/doctors/${id}/schedule/`;
export const absencesPath = ({ id }: { id: number }) => `/api/doctors/${id}/absences/`;

/** A valid schedule: always open, in UTC. */
export const newSchedule = (fields: Record<string, unknown> = {}) => ({
  time_zone: "UTC",
  slot_minutes: 30,
  hours: [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({ weekday, from: "00:00", to: "24:00" })),
  ...fields,
});

/** Sets the schedule of a doctor. @returns the body of the answer; throws when it fails */
export async function putSchedule(
  account: TestAccount,
  doctor: { id: number },
  fields: Record<string, unknown> = {},
) {
  const answer = await account.put(schedulePath(doctor), newSchedule(fields));
  if (answer.status > 201) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** A new doctor with a schedule. */
export async function postDoctorWithSchedule(
  account: TestAccount,
  schedule: Record<string, unknown> = {},
  fields: Record<string, unknown> = {},
): Promise<{ id: number }> {
  const doctor = await postDoctor(account, fields);
  await putSchedule(account, doctor, schedule);
  return { id: doctor.id };
}

export const postAbsence = (
  account: TestAccount,
  doctor: { id: number },
  fields: { starts_at: string; ends_at: string; existing?: string },
) => postResource(account, absencesPath(doctor), fields);
