import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { problem, withoutRequestDetails } from "../support/problems.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";
import { hostileNames } from "../support/text.ts";

// The nurse has two patients, the second assigned first. An older and a newer account each have one with the same
// doctor.
const api = connectApi();
const [older, nurse, newer] = [await newAccount(api), await newAccount(api, "admin"), await newAccount(api)];
const [first, second, third, fourth] = hostileNames;
const doctors = [
  await postDoctor(nurse, { firstname: first, lastname: second }),
  await postDoctor(older, { max_appointments_per_day: 3, specialization: "GEN", gender: "U" }),
];
const patients = [
  await postPatient(nurse, { firstname: third, lastname: fourth }),
  await postPatient(nurse, { firstname: "Ada", lastname: "King", age: 0, gender: "O" }),
];
const assignments = [
  await assignDoctor(nurse, { patient: patients[1], doctor: doctors[0] }),
  await assignDoctor(nurse, { patient: patients[0], doctor: doctors[1] }),
  await assignDoctor(nurse, { patient: patients[0], doctor: doctors[0] }),
];
const othersAssignment = await assignDoctor(older, { doctor: doctors[0] });
await assignDoctor(newer, { doctor: doctors[0] });
patients[1] = (await nurse.patch(`/api/patients/${patients[1].id}/`, { age: 99 })).body;

const pick = (record: Record<string, unknown>, fields: string) =>
  Object.fromEntries(fields.split(" ").map((field) => [field, record[field]]));
const patientIn = (record: { id: number }) => pick(record, "id firstname lastname age gender created_by");
const doctorIn = (record: { id: number }) =>
  pick(record, "id firstname lastname specialization max_appointments_per_day gender active");

test("the list has the assignments of the caller's own patients with their current data, for an admin too", async () => {
  const expected = assignments.map(({ id, patient, doctor, assigned_at }) => ({
    id,
    patient: patientIn(patients.find((one) => one.id === patient)),
    doctor: doctorIn(doctors.find((one) => one.id === doctor)),
    assigned_at,
    ...{ role: "attending", primary: false, ended_at: null, ended_by: null, version: 1 },
  }));
  const { status, body } = await nurse.get("/api/mappings/");
  expect({ status, body }).toEqual({ status: 200, body: expected });
  expect(JSON.stringify(body)).toBe(JSON.stringify(expected)); // also the order of keys
  expect((await older.get("/api/mappings/")).body).toMatchObject([{ id: othersAssignment.id }]);
});

test("GET with a patient's id returns its doctors, in order of their ids", async () => {
  const [patient_id, patient] = [patients[0].id, `${third} ${fourth}`];
  const expected = { patient_id, patient, doctors: doctors.map(doctorIn) };
  const { status, body } = await nurse.get(`/api/mappings/${patient_id}/`);
  expect({ status, body }).toEqual({ status: 200, body: expected });
  expect(JSON.stringify(body)).toBe(JSON.stringify(expected));
});

test("GET of a patient without doctors returns an empty array", async () => {
  const { id } = await postPatient(nurse);
  const { body } = await nurse.get(`/api/mappings/${id}/`);
  expect(body).toEqual({ patient_id: id, patient: "Ada Lovelace", doctors: [] });
});

test("an admin gets the same 404 for another account's patient as for an unknown id", async () => {
  const answer = await nurse.get(`/api/mappings/${othersAssignment.patient}/`);
  expect(answer).toEqual(problem(404));
  expect(withoutRequestDetails(answer)).toEqual(
    withoutRequestDetails(await nurse.get("/api/mappings/2147483647/")),
  );
});
