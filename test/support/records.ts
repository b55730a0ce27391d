import { type Account, unique } from "./accounts.ts";

/** A valid patient, with an email of its own. */
export const newPatient = (fields: Record<string, unknown> = {}) => ({
  firstname: "Ada",
  lastname: "Lovelace",
  email: `${unique("patient-")}@example.org`,
  age: 36,
  gender: "F",
  ...fields,
});

/** A valid doctor, with an email of its own. */
export const newDoctor = (fields: Record<string, unknown> = {}) => ({
  firstname: "Gregory",
  lastname: "House",
  email: `${unique("doctor-")}@example.org`,
  gender: "M",
  specialization: "NEUR",
  active: true,
  ...fields,
});

/** Creates what `path` lists and gives back the record. */
export async function create(account: Account, path: string, body: unknown) {
  const answer = await account.post(path, body);
  if (answer.status !== 201)
    throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

export const createPatient = (account: Account, fields?: Record<string, unknown>) =>
  create(account, "/api/patients/", newPatient(fields));

export const createDoctor = (account: Account, fields?: Record<string, unknown>) =>
  create(account, "/api/doctors/", newDoctor(fields));

/** Assigns a doctor to a patient: new ones, where none is given. */
export async function assign(
  account: Account,
  given: { patient?: { id: number }; doctor?: { id: number } } = {},
) {
  const patient = given.patient ?? (await createPatient(account));
  const doctor = given.doctor ?? (await createDoctor(account));
  return create(account, "/api/mappings/", { patient: patient.id, doctor: doctor.id });
}
