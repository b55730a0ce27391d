import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { comparable, problem } from "../support/problems.ts";
import { assign, createDoctor, createPatient, newPatient } from "../support/records.ts";
import { hostileNames } from "../support/text.ts";

const api = connectApi();
const nurse = await newAccount(api);
const other = await newAccount(api);
const admin = await newAccount(api, "admin");
const pathOf = ({ id }: { id: number }) => `/api/patients/${id}/`;

test("names are kept exactly as they are sent, when created and when changed", async () => {
  const [first, second, third, fourth] = hostileNames;
  const patient = await createPatient(nurse, { firstname: first, lastname: second });
  expect((await nurse.get(pathOf(patient))).body).toEqual({ ...patient, firstname: first, lastname: second });
  await nurse.patch(pathOf(patient), { firstname: third, lastname: fourth });
  const stored = await asOwner`SELECT firstname, lastname FROM patients WHERE id = ${patient.id}`;
  expect(stored).toEqual([{ firstname: third, lastname: fourth }]);
  expect((await nurse.get(pathOf(patient))).body).toMatchObject({ firstname: third, lastname: fourth });
});

test("a name of before there was a rule for names is answered, and need not be changed with the rest", async () => {
  const patient = await createPatient(nurse);
  const firstname = "Ada\u202e";
  await asOwner`UPDATE patients SET firstname = ${firstname} WHERE id = ${patient.id}`;
  expect((await nurse.get(pathOf(patient))).body).toEqual({ ...patient, firstname });
  expect((await nurse.patch(pathOf(patient), { age: 7 })).body).toMatchObject({ firstname, age: 7 });
});

test("an email is free that another account's patient has, for a new one and for a change", async () => {
  const { email } = await createPatient(nurse);
  expect((await admin.post("/api/patients/", newPatient({ email }))).status).toBe(201);
  expect((await other.patch(pathOf(await createPatient(other)), { email })).status).toBe(200);
});

test("the list is of one's own patients, whole and in order of id; to an admin too", async () => {
  const accounts = [await newAccount(api), await newAccount(api, "admin"), await newAccount(api)] as const;
  const [early, admin, late] = accounts;
  const first = await createPatient(admin);
  const theirs = [await createPatient(early), await createPatient(late)];
  const second = await createPatient(admin);
  const { body: changed } = await admin.patch(pathOf(first), {}); // a changed row is stored after the others
  const lists = [];
  for (const account of accounts) lists.push((await account.get("/api/patients/")).body);
  expect(lists).toEqual([[theirs[0]], [changed, second], [theirs[1]]]);
  expect((await (await newAccount(api)).get("/api/patients/")).body).toEqual([]);
});

test("with a patient go its assignments, and no other's", async () => {
  const doctor = await createDoctor(nurse);
  const leaving = await assign(nurse, { doctor });
  const { id } = await assign(nurse, { doctor });
  expect((await nurse.delete(pathOf({ id: leaving.patient }))).status).toBe(204);
  expect((await nurse.get(`/api/mappings/?doctor=${doctor.id}`)).body).toMatchObject([{ id }]);
  expect((await nurse.get(`/api/doctors/${doctor.id}/`)).body).toEqual(doctor);
});

test.each(["GET", "PUT", "PATCH", "DELETE"])(
  "%s says to an admin of another account's patient what it says of one that never was",
  async (method) => {
    const [patient, { email }] = [await createPatient(nurse), await createPatient(nurse)];
    const body = method.startsWith("P") ? { email } : undefined; // taken there, which must not show
    const theirs = await admin.request(method, pathOf(patient), body);
    const nobodys = await admin.request(method, pathOf({ id: 2_147_483_647 }), body);
    expect(theirs).toEqual(problem(404));
    expect(comparable(theirs)).toEqual(comparable(nobodys));
    expect((await nurse.get(pathOf(patient))).body).toEqual(patient);
  },
);
