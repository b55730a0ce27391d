import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { problem, withoutRequestDetails } from "../support/problems.ts";
import { assignDoctor, newPatient, postDoctor, postPatient } from "../support/resources.ts";
import { hostileNames } from "../support/text.ts";

const api = connectApi();
const nurse = await newAccount(api);
const other = await newAccount(api);
const admin = await newAccount(api, "admin");
const pathOf = ({ id }: { id: number }) => `/api/patients/${id}/`;

test.each(["2024-02-29T00:00:00.000Z", "1999-12-31T23:59:59.100Z", "2026-07-01T12:00:00.999Z"])(
  "a record's timestamps have three decimals: %s",
  async (timestamp) => {
    const patient = await postPatient(nurse);
    await asOwner`UPDATE patients SET created_at = ${timestamp}, updated_at = ${timestamp} WHERE id = ${patient.id}`;
    const { body } = await nurse.get(pathOf(patient));
    expect(body).toEqual({ ...patient, created_at: timestamp, updated_at: timestamp });
  },
);

test("POST and PATCH keep names exactly as they are sent", async () => {
  const [first, second, third, fourth] = hostileNames;
  const patient = await postPatient(nurse, { firstname: first, lastname: second });
  expect((await nurse.get(pathOf(patient))).body).toEqual({ ...patient, firstname: first, lastname: second });
  await nurse.patch(pathOf(patient), { firstname: third, lastname: fourth });
  const stored = await asOwner`SELECT firstname, lastname FROM patients WHERE id = ${patient.id}`;
  expect(stored).toEqual([{ firstname: third, lastname: fourth }]);
  expect((await nurse.get(pathOf(patient))).body).toMatchObject({ firstname: third, lastname: fourth });
});

test("a stored name that is invalid today is returned, and other fields can be changed without it", async () => {
  const patient = await postPatient(nurse);
  const firstname = "Ada\u202e";
  await asOwner`UPDATE patients SET firstname = ${firstname} WHERE id = ${patient.id}`;
  expect((await nurse.get(pathOf(patient))).body).toEqual({ ...patient, firstname });
  expect((await nurse.patch(pathOf(patient), { age: 7 })).body).toMatchObject({ firstname, age: 7 });
});

test("POST with another account's patient's email is 201, and PATCH is 200", async () => {
  const { email } = await postPatient(nurse);
  expect((await admin.post("/api/patients/", newPatient({ email }))).status).toBe(201);
  expect((await other.patch(pathOf(await postPatient(other)), { email })).status).toBe(200);
});

test("the list has the caller's own patients in order of id, for an admin too", async () => {
  const accounts = [await newAccount(api), await newAccount(api, "admin"), await newAccount(api)] as const;
  const [early, admin, late] = accounts;
  const first = await postPatient(admin);
  const others = [await postPatient(early), await postPatient(late)];
  const second = await postPatient(admin);
  const { body: changed } = await admin.patch(pathOf(first), {}); // an updated row is stored after the others
  const lists = [];
  for (const account of accounts) lists.push((await account.get("/api/patients/")).body);
  expect(lists).toEqual([[others[0]], [changed, second], [others[1]]]);
  expect((await (await newAccount(api)).get("/api/patients/")).body).toEqual([]);
});

test("DELETE deletes the patient's assignments and no others", async () => {
  const doctor = await postDoctor(nurse);
  const deleted = await assignDoctor(nurse, { doctor });
  const { id } = await assignDoctor(nurse, { doctor });
  expect((await nurse.delete(pathOf({ id: deleted.patient }))).status).toBe(204);
  expect((await nurse.get(`/api/mappings/?doctor=${doctor.id}`)).body).toMatchObject([{ id }]);
  expect((await nurse.get(`/api/doctors/${doctor.id}/`)).body).toEqual(doctor);
});

test.each(["GET", "PUT", "PATCH", "DELETE"])(
  "%s: an admin gets the same 404 for another account's patient as for an unknown id",
  async (method) => {
    const [patient, { email }] = [await postPatient(nurse), await postPatient(nurse)];
    const body = method.startsWith("P") ? { email } : undefined; // its owner has this email already, which must not show
    const notOwned = await admin.request(method, pathOf(patient), body);
    const unknown = await admin.request(method, pathOf({ id: 2_147_483_647 }), body);
    expect(notOwned).toEqual(problem(404));
    expect(withoutRequestDetails(notOwned)).toEqual(withoutRequestDetails(unknown));
    expect((await nurse.get(pathOf(patient))).body).toEqual(patient);
  },
);
