import { type TestAccount, uniqueName } from "./accounts.ts";

/** A valid patient, with an email of its own. */
export const newPatient = (fields: Record<string, unknown> = {}) => ({
  firstname: "Ada",
  lastname: "Lovelace",
  email: `${uniqueName("patient-")}@example.org`,
  age: 36,
  gender: "F",
  ...fields,
});

/** A valid doctor, with an email of its own. */
export const newDoctor = (fields: Record<string, unknown> = {}) => ({
  firstname: "Gregory",
  lastname: "House",
  email: `${uniqueName("doctor-")}@example.org`,
  gender: "M",
  specialization: "NEUR",
  active: true,
  ...fields,
});

/** Creates a record by a POST to the list `path`. @returns the body of the answer; throws when it is not 201 */
export async function postResource(account: TestAccount, path: string, body: unknown) {
  const answer = await account.post(path, body);
  if (answer.status !== 201)
    throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

export const postPatient = (account: TestAccount, fields?: Record<string, unknown>) =>
  postResource(account, "/api/patients/", newPatient(fields));

export const postDoctor = (account: TestAccount, fields?: Record<string, unknown>) =>
  postResource(account, "/api/doctors/", newDoctor(fields));

/** A name of its own for an identifier system. */
export const newSystemName = () => uniqueName("system-").toLowerCase().slice(-32);

/** Creates an identifier system with a name of its own, as an admin. */
export const postIdentifierSystem = (admin: TestAccount, fields: Record<string, unknown> = {}) =>
  postResource(admin, "/api/identifier-systems/", { name: newSystemName(), ...fields });

/** Assigns a doctor to a patient. Creates those that are left out. */
export async function assignDoctor(
  account: TestAccount,
  ids: { patient?: { id: number }; doctor?: { id: number } } = {},
) {
  const patient = ids.patient ?? (await postPatient(account));
  const doctor = ids.doctor ?? (await postDoctor(account));
  return postResource(account, "/api/mappings/", { patient: patient.id, doctor: doctor.id });
}
