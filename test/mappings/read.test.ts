import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { comparable, problem } from "../support/problems.ts";
import { assign, createDoctor, createPatient } from "../support/records.ts";
import { hostileNames } from "../support/text.ts";

// Two patients of the nurse, the second assigned first; and one of an older and of a newer account, with the same doctor.
const api = connectApi();
const [older, nurse, newer] = [await newAccount(api), await newAccount(api, "admin"), await newAccount(api)];
const [first, second, third, fourth] = hostileNames;
const doctors = [
  await createDoctor(nurse, { firstname: first, lastname: second }),
  await createDoctor(older, { max_appointments_per_day: 3, specialization: "GEN", gender: "U" }),
];
const patients = [
  await createPatient(nurse, { firstname: third, lastname: fourth }),
  await createPatient(nurse, { firstname: "Ada", lastname: "King", age: 0, gender: "O" }),
];
const assignments = [
  await assign(nurse, { patient: patients[1], doctor: doctors[0] }),
  await assign(nurse, { patient: patients[0], doctor: doctors[1] }),
  await assign(nurse, { patient: patients[0], doctor: doctors[0] }),
];
const theirs = await assign(older, { doctor: doctors[0] });
await assign(newer, { doctor: doctors[0] });
patients[1] = (await nurse.patch(`/api/patients/${patients[1].id}/`, { age: 99 })).body;

const pick = (record: Record<string, unknown>, fields: string) =>
  Object.fromEntries(fields.split(" ").map((field) => [field, record[field]]));
const patientIn = (record: { id: number }) => pick(record, "id firstname lastname age gender created_by");
const doctorIn = (record: { id: number }) =>
  pick(record, "id firstname lastname specialization max_appointments_per_day gender active");

test("the list is of one's own patients' assignments, as they are now, to an admin too", async () => {
  const expected = assignments.map(({ id, patient, doctor, assigned_at }) => ({
    id,
    patient: patientIn(patients.find((one) => one.id === patient)),
    doctor: doctorIn(doctors.find((one) => one.id === doctor)),
    assigned_at,
  }));
  const { status, body } = await nurse.get("/api/mappings/");
  expect({ status, body }).toEqual({ status: 200, body: expected });
  expect(JSON.stringify(body)).toBe(JSON.stringify(expected)); // the order of keys too
  expect((await older.get("/api/mappings/")).body).toMatchObject([{ id: theirs.id }]);
});

test("a patient's doctors are read by the patient's id, in order of theirs", async () => {
  const [patient_id, patient] = [patients[0].id, `${third} ${fourth}`];
  const expected = { patient_id, patient, doctors: doctors.map(doctorIn) };
  const { status, body } = await nurse.get(`/api/mappings/${patient_id}/`);
  expect({ status, body }).toEqual({ status: 200, body: expected });
  expect(JSON.stringify(body)).toBe(JSON.stringify(expected));
});

test("a patient without doctors has an empty array of them", async () => {
  const { id } = await createPatient(nurse);
  const { body } = await nurse.get(`/api/mappings/${id}/`);
  expect(body).toEqual({ patient_id: id, patient: "Ada Lovelace", doctors: [] });
});

test("another account's patient is to an admin as one that never was", async () => {
  const answer = await nurse.get(`/api/mappings/${theirs.patient}/`);
  expect(answer).toEqual(problem(404));
  expect(comparable(answer)).toEqual(comparable(await nurse.get("/api/mappings/2147483647/")));
});
