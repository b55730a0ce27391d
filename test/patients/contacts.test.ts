import { describe, expect, test } from "vitest";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { holdLock } from "../support/held-lock.ts";
import {
  deletedPatientsOf,
  patientPath,
  patientsOf,
  postRestore,
  postTransfer,
} from "../support/ownership.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { raceBehind } from "../support/races.ts";
import { assignDoctor, newDoctor, newPatient, postDoctor, postPatient } from "../support/resources.ts";
import { imported } from "./files.ts";

const api = connectApi();
const [nurse, admin] = [await newAccount(api), await newAccount(api, "admin")];
const phones = ["+442079460958"];
const taken = (existing: number) =>
  problem(409, "You already have a patient with this email.", "email_taken", { existing });
const fileOf = (...records: object[]) => records.map((record) => JSON.stringify(record)).join("\n");

test("a patient has an email, a phone number or is anonymous, and a PATCH that would take the last of them is 400", async () => {
  const { email, ...rest } = newPatient();
  expect(await nurse.post("/api/patients/", rest)).toEqual(fieldProblem("email"));
  const patient = await postPatient(nurse, { email: null, phones: ["+44 20 7946-0958"] });
  expect(patient).toMatchObject({ email: null, phones, anonymous: false });
  const change = (fields: object) => nurse.patch(patientPath(patient), fields);
  expect(await change({ phones: [] })).toEqual(fieldProblem("email"));
  expect(await change({ phones: [], email })).toMatchObject({ status: 200, body: { email, phones: [] } });
  expect(await change({ email: null })).toEqual(fieldProblem("email"));
  expect(await change({ email: null, anonymous: true })).toMatchObject({
    status: 200,
    body: { email: null },
  });
  expect(await change({ anonymous: false })).toEqual(fieldProblem("email"));
  expect((await nurse.get(patientPath(patient))).body).toMatchObject({
    email: null,
    anonymous: true,
    version: 3,
  });
});

test("a patient with one name is shown by it, and a PATCH that would take it is 400", async () => {
  for (const names of [{ firstname: "Suharto" }, { firstname: null, lastname: "Suharto" }]) {
    const { firstname, lastname, ...rest } = newPatient();
    const { status, body } = await nurse.post("/api/patients/", { ...rest, ...names });
    expect([status, body.firstname + body.lastname]).toEqual([201, "Suharto"]);
    expect((await nurse.get(`/api/mappings/${body.id}/`)).body.patient).toBe("Suharto");
    const field = body.firstname === "" ? "lastname" : "firstname";
    for (const blank of ["", " ", null])
      expect(await nurse.patch(patientPath(body), { [field]: blank })).toEqual(
        fieldProblem("firstname", "lastname"),
      );
    expect((await nurse.put(patientPath(body), body)).status).toBe(200);
  }
});

test("people with one name are sorted by it among the last names", async () => {
  const account = await newAccount(api);
  const names = [
    ["Ada", "Zuse"],
    ["Suharto", ""],
    ["", "Madonna"],
    ["Bob", "Adams"],
    ["Moses", "-"],
  ];
  for (const [firstname, lastname] of names) await postPatient(account, { firstname, lastname });
  const { body } = await account.get("/api/patients/?sort=lastname");
  const shown = body.map((one: typeof body) => `${one.firstname} ${one.lastname}`.trim());
  expect(shown).toEqual(["Bob Adams", "Madonna", "Moses -", "Suharto", "Ada Zuse"]);
  expect((await account.get("/api/patients/?search=suha")).body).toHaveLength(1);
});

describe("an email that is shared", () => {
  test("may be that of several patients, and is taken back only when nobody else has it", async () => {
    const account = await newAccount(api);
    const first = await postPatient(account);
    const { email } = first;
    expect(await account.post("/api/patients/", newPatient({ email }))).toEqual(taken(first.id));
    const second = await postPatient(account, { email, email_shared: true });
    const third = await postPatient(account, { email: email.toUpperCase(), email_shared: true });
    const unshare = (patient: { id: number }) => account.patch(patientPath(patient), { email_shared: false });
    expect(await unshare(second)).toEqual(taken(first.id));
    await account.delete(patientPath(first));
    expect(await unshare(second)).toEqual(taken(third.id));
    await account.delete(patientPath(third));
    expect((await unshare(second)).status).toBe(200);
    // The other of the two shares it.
    expect((await account.patch(patientPath(second), { email_shared: true })).status).toBe(200);
    const fourth = await postPatient(account, { email });
    expect((await account.patch(patientPath(fourth), { email, lastname: "King" })).status).toBe(200);
  });

  test("lets a patient be restored and transferred; without it, both conflict as ever", async () => {
    const account = await newAccount(api);
    const receiver = await newAccount(api);
    const [sharing, plain] = [await postPatient(account, { email_shared: true }), await postPatient(account)];
    for (const patient of [sharing, plain]) {
      await account.delete(patientPath(patient));
      await postPatient(account, { email: patient.email });
      await postPatient(receiver, { email: patient.email });
    }
    expect((await postRestore(account, sharing)).status).toBe(200);
    expect(await postRestore(account, plain)).toEqual(problem(409, expect.any(String), "email_taken"));
    expect((await postTransfer(admin, sharing, receiver)).status).toBe(200);
    expect(await deletedPatientsOf(account)).toEqual([plain.id]);
    expect(await patientsOf(receiver)).toContain(sharing.id);
  });

  test("lets lines of an import have it; import never sets it", async () => {
    const account = await newAccount(api);
    const { email } = await postPatient(account);
    const records = [
      newPatient({ email, email_shared: true }),
      newPatient({ email }),
      newPatient({ email: "family@example.org" }),
      newPatient({ email: "family@example.org", email_shared: true }),
      newPatient({ email: "FAMILY@example.org" }),
      newPatient({ email: null, phones }),
      newPatient({ email: null, phones }),
    ];
    const { body } = await imported(account, fileOf(...records), undefined, "?partial=true");
    expect(body.created.map(({ line }: { line: number }) => line)).toEqual([1, 3, 4, 6, 7]);
    expect(body.refused.map(({ error_codes }: { error_codes: object }) => error_codes)).toEqual([
      { email: ["email_taken"] },
      { email: ["email_repeated"] },
    ]);
  });

  test("may be that of several doctors", async () => {
    const { id: existing, email } = await postDoctor(nurse, { email_shared: false });
    const second = await postDoctor(nurse, { email, email_shared: true });
    const conflict = problem(409, "A doctor with this email already exists.", "email_taken", { existing });
    expect(await nurse.post("/api/doctors/", newDoctor({ email }))).toEqual(conflict);
    expect(await nurse.patch(`/api/doctors/${second.id}/`, { email_shared: false })).toEqual(conflict);
    expect((await nurse.patch(`/api/doctors/${second.id}/`, { email: null })).body.email).toBe(null);
  });
});

test("a PATCH that waits while another patient gets its email returns 409 with the id of that one", async () => {
  const [first, second] = [await postPatient(nurse), await postPatient(nurse)];
  const { email } = newPatient();
  const change = await holdLock("UPDATE patients SET email = $1 WHERE id = $2", [email, first.id]);
  expect(await raceBehind(change, 1, () => nurse.patch(patientPath(second), { email }))).toEqual(
    taken(first.id),
  );
});

test("a POST that waits while another patient gets its email returns 409 with the id of that one", async () => {
  const patient = await postPatient(nurse);
  const record = newPatient();
  const change = await holdLock("UPDATE patients SET email = $1 WHERE id = $2", [record.email, patient.id]);
  expect(await raceBehind(change, 1, () => nurse.post("/api/patients/", record))).toEqual(taken(patient.id));
});

describe("the filters email and phone", () => {
  const family = newPatient().email;
  const ids = async (account: TestAccount, query: string) => {
    const { body } = await account.get(`/api/patients/?${query}`);
    return body.map(({ id }: { id: number }) => id);
  };
  const byEmail = `email=${encodeURIComponent(family.toUpperCase())}`;

  test("find the caller's own patients exactly, in every order, also deleted ones, and page by page", async () => {
    const account = await newAccount(api);
    await postPatient(nurse, { email: family, phones });
    await postPatient(account, { email: `x${family}`, phones: ["+4420794609581"] });
    const [ada, bob, eve] = [
      await postPatient(account, { email: family, email_shared: true, phones, firstname: "Ada" }),
      await postPatient(account, { email: family, firstname: "Bob" }),
      await postPatient(account, { email: null, phones: ["+4930123456", ...phones], firstname: "Eve" }),
    ].map(({ id }) => id);
    for (const sort of ["id", "lastname", "created_at"]) {
      expect(await ids(account, `${byEmail}&sort=${sort}`)).toEqual([ada, bob]);
      expect(await ids(account, `phone=%2B44%2020%207946%200958&sort=-${sort}`)).toEqual([eve, ada]);
    }
    expect(await ids(account, `${byEmail}&phone=%2B442079460958`)).toEqual([ada]);
    expect(await ids(account, `${byEmail}&search=bob&gender=F`)).toEqual([bob]);
    const first = await account.get(`/api/patients/?${byEmail}&limit=1`);
    const [, next] = /^<\/api\/patients\/\?([^>]*)>/.exec(first.headers.get("Link") ?? "") ?? [];
    expect(next).not.toContain(encodeURIComponent(family.split("@")[0] ?? ""));
    expect(await ids(account, next ?? "")).toEqual([bob]);
    await account.delete(`/api/patients/${ada}/`);
    for (const query of [byEmail, "phone=%2B442079460958"])
      expect(await ids(account, `${query}&deleted=true`)).toEqual([ada]);
    expect(await ids(account, byEmail)).toEqual([bob]);
    expect(await ids(account, "email=nobody%40example.org")).toEqual([]);
  });

  test("find the patients assigned to the doctor whose own account is calling", async () => {
    const house = await newAccount(api);
    const { id: doctor } = await postDoctor(admin);
    const reason = "the own account of this doctor";
    expect((await admin.patch(`/api/accounts/${house.id}/`, { doctor, reason })).status).toBe(200);
    const patient = await postPatient(nurse, { phones });
    await assignDoctor(nurse, { patient, doctor: { id: doctor } });
    for (const query of [`email=${patient.email}`, "phone=%2B442079460958"])
      for (const sort of ["id", "-lastname"])
        expect(await ids(house, `${query}&sort=${sort}`)).toEqual([patient.id]);
  });

  test("with a value that is none are 400", async () => {
    for (const [field, value] of [
      ["email", "nobody"],
      ["phone", "020 7946 0958"],
      ["phone", ""],
    ])
      expect(await nurse.get(`/api/patients/?${field}=${value}`)).toEqual(fieldProblem(String(field)));
  });
});
