import { expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { create, newDoctor, newPatient, signUp } from "../support/fixtures.ts";
import { problem } from "../support/problems.ts";

test("the list is of one's patients' assignments, each with its patient and its doctor", async () => {
  const nurse = await signUp(connectApi());
  const patient = await create(nurse, "/api/patients/", newPatient());
  const doctor = await create(nurse, "/api/doctors/", newDoctor());
  const { id, assigned_at } = await create(nurse, "/api/mappings/", {
    patient: patient.id,
    doctor: doctor.id,
  });
  const { status, body } = await nurse.get("/api/mappings/");
  expect(status).toBe(200);
  expect(body).toEqual([
    {
      id,
      patient: {
        id: patient.id,
        firstname: patient.firstname,
        lastname: patient.lastname,
        age: patient.age,
        gender: patient.gender,
        created_by: nurse.id,
      },
      doctor: {
        id: doctor.id,
        firstname: doctor.firstname,
        lastname: doctor.lastname,
        specialization: doctor.specialization,
        max_appointments_per_day: doctor.max_appointments_per_day,
        gender: doctor.gender,
      },
      assigned_at,
    },
  ]);
});

test("the list is in order of id", async () => {
  const nurse = await signUp(connectApi());
  const patients = [
    await create(nurse, "/api/patients/", newPatient()),
    await create(nurse, "/api/patients/", newPatient()),
  ];
  const doctor = await create(nurse, "/api/doctors/", newDoctor());
  const made: number[] = [];
  for (const { id } of patients.reverse()) {
    made.push((await create(nurse, "/api/mappings/", { patient: id, doctor: doctor.id })).id);
  }
  const { body } = await nurse.get("/api/mappings/");
  expect(body.map(({ id }: { id: number }) => id)).toEqual(made);
});

test("the list has nothing of another account's patients, though the doctor is one's own", async () => {
  const api = connectApi();
  const nurse = await signUp(api);
  const other = await signUp(api);
  const doctor = await create(nurse, "/api/doctors/", newDoctor());
  const patient = await create(other, "/api/patients/", newPatient());
  await create(other, "/api/mappings/", { patient: patient.id, doctor: doctor.id });
  const { status, body } = await nurse.get("/api/mappings/");
  expect({ status, body }).toEqual({ status: 200, body: [] });
});

test("a patient's doctors are read by the patient's id", async () => {
  const nurse = await signUp(connectApi());
  const patient = await create(nurse, "/api/patients/", newPatient({ firstname: "Ada", lastname: "King" }));
  const other = await create(nurse, "/api/patients/", newPatient());
  const doctors = [
    await create(nurse, "/api/doctors/", newDoctor({ firstname: "Lisa", max_appointments_per_day: 3 })),
    await create(nurse, "/api/doctors/", newDoctor({ specialization: "GEN" })),
  ];
  for (const { id } of doctors) await create(nurse, "/api/mappings/", { patient: patient.id, doctor: id });
  const notTheirs = await create(nurse, "/api/doctors/", newDoctor());
  await create(nurse, "/api/mappings/", { patient: other.id, doctor: notTheirs.id });

  const { status, body } = await nurse.get(`/api/mappings/${patient.id}/`);
  expect(status).toBe(200);
  expect(body).toEqual({
    patient_id: patient.id,
    patient: "Ada King",
    doctors: doctors.map((doctor) => ({
      id: doctor.id,
      firstname: doctor.firstname,
      lastname: doctor.lastname,
      specialization: doctor.specialization,
      max_appointments_per_day: doctor.max_appointments_per_day,
      gender: doctor.gender,
    })),
  });
});

test("a patient without doctors has an empty array of them", async () => {
  const nurse = await signUp(connectApi());
  const { id } = await create(nurse, "/api/patients/", newPatient());
  const { status, body } = await nurse.get(`/api/mappings/${id}/`);
  expect(status).toBe(200);
  expect(body).toEqual({ patient_id: id, patient: "Ada Lovelace", doctors: [] });
});

test("the doctors of another account's patient are 404, as of one that never existed", async () => {
  const api = connectApi();
  const nurse = await signUp(api);
  const patient = await create(await signUp(api), "/api/patients/", newPatient());
  const theirs = await nurse.get(`/api/mappings/${patient.id}/`);
  const nobodys = await nurse.get("/api/mappings/2147483647/");
  expect(theirs).toEqual(problem(404));
  expect({ ...theirs.body, request_id: "" }).toEqual({ ...nobodys.body, request_id: "" });
});

test.each(["0", "-1", "01", "1.5", "abc", "2147483648", "99999999999999999999"])(
  "the doctors of the patient %s are 404",
  async (id) => {
    const nurse = await signUp(connectApi());
    expect(await nurse.get(`/api/mappings/${id}/`)).toEqual(problem(404));
  },
);

test("what changes of a patient or a doctor shows in the assignments", async () => {
  const nurse = await signUp(connectApi());
  const patient = await create(nurse, "/api/patients/", newPatient());
  const doctor = await create(nurse, "/api/doctors/", newDoctor());
  await create(nurse, "/api/mappings/", { patient: patient.id, doctor: doctor.id });
  await nurse.patch(`/api/patients/${patient.id}/`, { age: 99 });
  await nurse.patch(`/api/doctors/${doctor.id}/`, { lastname: "Cuddy" });
  const { body } = await nurse.get("/api/mappings/");
  expect(body).toMatchObject([{ patient: { age: 99 }, doctor: { lastname: "Cuddy" } }]);
});
