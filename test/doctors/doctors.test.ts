import { describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { pagesFrom } from "../support/pages.ts";
import { anyTimestamp, problem } from "../support/problems.ts";
import { assignDoctor, newDoctor, postDoctor } from "../support/resources.ts";

const api = connectApi();
const nurse = await newAccount(api);
const other = await newAccount(api);
const admin = await newAccount(api, "admin");
const pathOf = ({ id }: { id: number }) => `/api/doctors/${id}/`;

test("POST without max_appointments_per_day sets it to 10", async () => {
  expect((await postDoctor(nurse)).max_appointments_per_day).toBe(10);
});

test("GET of every doctor, and of the directory in order of id, is 200 for every account", async () => {
  const doctors = [await postDoctor(nurse), await postDoctor(other), await postDoctor(nurse)];
  for (const doctor of doctors) expect((await admin.get(pathOf(doctor))).body).toEqual(doctor);
  const directory = [];
  for await (const { body } of pagesFrom(admin, "/api/doctors/?limit=200")) directory.push(...body);
  expect(directory.filter(({ id }) => doctors.some((doctor) => doctor.id === id))).toEqual(doctors);
});

test("POST and PATCH with the email of any account's doctor are 409", async () => {
  const { id: existing, email } = await postDoctor(other);
  const conflict = problem(409, "A doctor with this email already exists.", "email_taken", { existing });
  expect(await nurse.post("/api/doctors/", newDoctor({ email: email.toUpperCase() }))).toEqual(conflict);
  expect(await nurse.patch(pathOf(await postDoctor(nurse)), { email })).toEqual(conflict);
});

test("DELETE of a doctor with assigned patients, of whatever account, is 409 and says how many", async () => {
  const doctor = await postDoctor(nurse);
  await assignDoctor(other); // another doctor's patient does not count
  const assignments = [];
  for (const [index, account] of [other, admin, nurse].entries()) {
    assignments.push({ account, id: (await assignDoctor(account, { doctor })).id });
    const count = ["1 patient", "2 patients", "3 patients"][index];
    const conflict = problem(409, `This doctor still has ${count}; end the assignments first.`);
    expect(await admin.delete(pathOf(doctor))).toEqual(conflict);
    expect((await nurse.delete(pathOf(doctor))).status).toBe(403); // others rely on the doctor
  }
  expect((await nurse.get(pathOf(doctor))).body).toEqual(doctor);
  for (const { account, id } of assignments) {
    expect((await admin.delete(pathOf(doctor))).status).toBe(409);
    await account.delete(`/api/mappings/${id}/`);
  }
  expect((await nurse.delete(pathOf(doctor))).status).toBe(204);
});

describe.each(["PUT", "PATCH", "DELETE"])("%s of a doctor whom another account created", (method) => {
  const change = method === "DELETE" ? undefined : { lastname: "Cuddy" };
  const forbidden = "Only the account that created this doctor or an admin may change or delete it.";

  test("is 403, also when it would be 409", async () => {
    const { doctor: id } = await assignDoctor(nurse);
    const conflict = change && { email: (await postDoctor(nurse)).email };
    expect(await other.request(method, pathOf({ id }), conflict)).toEqual(problem(403, forbidden));
  });

  test("succeeds for an admin, and is 403 as soon as that account is a clinician", async () => {
    const account = await newAccount(api, "admin");
    const [first, second] = [await postDoctor(nurse), await postDoctor(nurse)];
    const { status, body } = await account.request(method, pathOf(first), change);
    const changed = { status: 200, body: { ...first, ...change, updated_at: anyTimestamp, version: 2 } };
    expect({ status, body }).toEqual(change ? changed : { status: 204, body: "" });
    await asOwner`UPDATE users SET role = 'clinician' WHERE id = ${account.id}`;
    expect(await account.request(method, pathOf(second), change)).toEqual(problem(403, forbidden));
    expect((await nurse.get(pathOf(second))).body).toEqual(second);
  });
});
