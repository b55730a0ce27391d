import { describe, expect, test } from "vitest";
import { newAccount, uniqueName } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import {
  deletedPatientsOf,
  linkDoctor,
  newDoctorsAccount,
  patientPath,
  postRestore,
  postTransfer,
  REASON,
} from "../support/ownership.ts";
import { idsOf, nextOf } from "../support/pages.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import {
  assignDoctor,
  newPatient,
  newSystemName,
  postIdentifierSystem,
  postPatient,
} from "../support/resources.ts";

const api = connectApi();
const [admin, nurse] = [await newAccount(api, "admin"), await newAccount(api)];
const list = "/api/patients/";
const { name: mrn, id: mrnId } = await postIdentifierSystem(admin);
const { name: nhs } = await postIdentifierSystem(admin, { pattern: "\\d{10}", check_digit: "mod11" });
const newValue = () => uniqueName("a-");
const withMrn = (value: string) => ({ identifiers: [{ system: mrn, value }] });

/** The errors of a 400 and their codes. */
const codesOf = ({ status, body }: { status: number; body: { error_codes?: unknown } }) => [
  status,
  body.error_codes,
];

test("POST returns the identifiers as they were sent, trimmed; PATCH replaces all of them", async () => {
  const patient = await postPatient(nurse, {
    identifiers: [
      { system: nhs, value: " 943 476-5919 " },
      { system: mrn, value: "ab-1" },
    ],
  });
  const stored = [
    { system: nhs, value: "943 476-5919" },
    { system: mrn, value: "ab-1" },
  ];
  expect(patient.identifiers).toEqual(stored);
  const other = [{ system: mrn, value: "AB 1" }];
  expect((await nurse.patch(patientPath(patient), { age: 40 })).body.identifiers).toEqual(stored);
  expect((await nurse.patch(patientPath(patient), { identifiers: other })).body.identifiers).toEqual(other);
  expect((await nurse.patch(patientPath(patient), { identifiers: [] })).body.identifiers).toEqual([]);
  expect(await asOwner`SELECT FROM patient_identifiers WHERE patient_id = ${patient.id}`).toEqual([]);
});

test("an identifier is a contact: a patient needs nothing else, and PATCH cannot remove it then", async () => {
  const patient = await postPatient(nurse, { email: null, ...withMrn(newValue()) });
  const none = fieldProblem("email");
  expect(await nurse.patch(patientPath(patient), { identifiers: [] })).toEqual(none);
  expect(await nurse.post(list, newPatient({ email: null, identifiers: [] }))).toEqual(none);
});

test.each([
  ["identifiers", null],
  ["identifiers", "mrn:1"],
  ["identifiers", Array.from({ length: 11 }, (_, n) => ({ system: mrn, value: `${n}` }))],
  ["identifiers.0", ["mrn:1"]],
  ["identifiers.0.system", [{ value: "1" }]],
  ["identifiers.0.value", [{ system: mrn }]],
  ["identifiers.0.system", [{ system: "MRN", value: "1" }]],
  ["identifiers.0.system", [{ system: "x".repeat(33), value: "1" }]],
  ["identifiers.0.use", [{ system: mrn, value: "1", use: "official" }]],
  ["identifiers.0.value", [{ system: mrn, value: 1 }]],
  ["identifiers.0.value", [{ system: mrn, value: " - " }]],
  ["identifiers.0.value", [{ system: mrn, value: "1;2" }]],
  ["identifiers.0.value", [{ system: mrn, value: "1\u200b2" }]],
  ["identifiers.0.value", [{ system: mrn, value: "1\u0000" }]],
  ["identifiers.0.value", [{ system: mrn, value: "\ud800" }]],
  ["identifiers.0.value", [{ system: mrn, value: "1".repeat(65) }]],
  ["identifiers.0.value", [{ system: mrn, value: "\ufdfa".repeat(5) }]], // 15 characters each in the form that is compared
  ["identifiers.0.value", [{ system: mrn, value: `a${"\u0300".repeat(30_000)}` }]],
  [
    "identifiers.1.value",
    [
      { system: mrn, value: "a-1" },
      { system: mrn, value: "A1" },
    ],
  ],
])("400 on %s, without a database request (%#)", async (field, identifiers) => {
  await api.databaseRequests();
  expect(await nurse.post(list, newPatient({ identifiers }))).toEqual(fieldProblem(field));
  expect(await nurse.api.databaseRequests()).toBe(0);
});

test("POST and PATCH with an unknown system, another pattern or a wrong check digit are 400 on each, and change nothing", async () => {
  const patient = await postPatient(nurse);
  const identifiers = [
    { system: newSystemName(), value: "1" },
    { system: nhs, value: "94347659190" },
    { system: mrn, value: newValue() },
    { system: nhs, value: "9434765918" },
  ];
  const errors = [
    400,
    {
      "identifiers.0.system": ["no_such_record"],
      "identifiers.1.value": ["invalid_format"],
      "identifiers.3.value": ["invalid_check_digit"],
    },
  ];
  await api.databaseRequests();
  expect(codesOf(await nurse.post(list, newPatient({ identifiers })))).toEqual(errors);
  expect(codesOf(await nurse.patch(patientPath(patient), { identifiers, age: 50 }))).toEqual(errors);
  expect(await api.databaseRequests()).toBe(2);
  expect((await nurse.get(patientPath(patient))).body).toEqual(patient);
});

test("a changed pattern is not applied to a value that the patient has, until it changes", async () => {
  const { name: system, id } = await postIdentifierSystem(admin);
  const patient = await postPatient(nurse, { identifiers: [{ system, value: "a 1" }] });
  await admin.patch(`/api/identifier-systems/${id}/`, { pattern: "\\d{3}", check_digit: "mod10" });
  const { status } = await nurse.patch(patientPath(patient), { ...patient, lastname: "King" });
  expect(status).toBe(200);
  const more = [
    { system, value: "A-1" },
    { system, value: "A-2" },
  ];
  expect(codesOf(await nurse.patch(patientPath(patient), { identifiers: more }))).toEqual([
    400,
    { "identifiers.1.value": ["invalid_format"] },
  ]);
});

describe("another patient of the owner with the same identifier:", () => {
  test("POST and PATCH return 409 with its id and the system, in any spelling, and take no id", async () => {
    const value = newValue();
    const first = await postPatient(nurse, withMrn(value));
    const second = await postPatient(nurse);
    const respelled = withMrn(` ${value.toUpperCase().replaceAll("-", " ")} `);
    for (const answer of [
      await nurse.post(list, newPatient(respelled)),
      await nurse.patch(patientPath(second), { ...respelled, age: 50 }),
    ]) {
      expect(answer.body).toMatchObject({
        status: 409,
        code: "identifier_taken",
        existing: first.id,
        system: mrn,
      });
      expect(JSON.stringify(answer.body).toLowerCase()).not.toContain(value.slice(2));
    }
    expect((await nurse.get(patientPath(second))).body).toEqual(second);
    expect((await postPatient(nurse)).id).toBe(second.id + 1);
  });

  test("the same value is free in another system, for another account, and once the patient is deleted", async () => {
    const { name: other } = await postIdentifierSystem(admin);
    const value = newValue();
    const patient = await postPatient(nurse, withMrn(value));
    await postPatient(nurse, { identifiers: [{ system: other, value }] });
    await postPatient(await newAccount(api), withMrn(value));
    await nurse.delete(patientPath(patient));
    await postPatient(nurse, withMrn(value));
    const restored = await postRestore(nurse, patient);
    expect(restored.body).toMatchObject({ status: 409, code: "identifier_taken", system: mrn });
    expect(await deletedPatientsOf(nurse)).toContain(patient.id);
  });

  test("a transfer is 409; a transfer of all leaves the patient and names it", async () => {
    const [from, to, value] = [await newAccount(api), await newAccount(api), newValue()];
    const [first, second] = [await postPatient(from, withMrn(value)), await postPatient(from)];
    await postPatient(to, withMrn(value.toUpperCase()));
    expect((await postTransfer(admin, first, to)).body).toMatchObject({
      ...{ status: 409, code: "receiver_has_identifier", system: mrn },
    });
    const all = await admin.post(`${list}transfer/`, { from: from.id, to: to.id, reason: REASON });
    expect(all.body).toEqual({ transferred: 1, conflicts: [first.id], more: false });
    expect((await to.get(patientPath(second))).status).toBe(200);
  });

  test("a transferred or restored patient brings its identifiers to the owner", async () => {
    const [from, to, value] = [await newAccount(api), await newAccount(api), newValue()];
    const patient = await postPatient(from, withMrn(value));
    await postTransfer(admin, patient, to);
    expect((await to.post(list, newPatient(withMrn(value)))).status).toBe(409);
    await postPatient(from, withMrn(value));
    await to.delete(patientPath(patient));
    await postRestore(to, patient);
    expect((await to.post(list, newPatient(withMrn(value)))).status).toBe(409);
  });
});

test("a system that patients have identifiers of keeps its name", async () => {
  await postPatient(nurse, withMrn(newValue()));
  expect(await admin.patch(`/api/identifier-systems/${mrnId}/`, { name: newSystemName() })).toEqual(
    problem(409, "Patients have identifiers of this system, so it keeps its name. Nothing was changed."),
  );
});

describe("?identifier= finds", async () => {
  const account = await newAccount(api);
  const value = newValue();
  const { name: other } = await postIdentifierSystem(admin);
  const [one, two, three] = [
    await postPatient(account, { ...withMrn(value), lastname: "B" }),
    await postPatient(account, { identifiers: [{ system: other, value }], lastname: "A" }),
    await postPatient(account, withMrn(`${mrn}:${value}`)),
  ];
  await postPatient(nurse, withMrn(value));
  const spelled = encodeURIComponent(` ${value.toUpperCase().replaceAll("-", " ")} `);

  test.each([
    [value, [one.id, two.id]],
    [spelled, [one.id, two.id]],
    [`${mrn}:${value}`, [one.id, three.id]],
    [`%20${mrn.toUpperCase()}%20:%20${spelled}`, [one.id, three.id]],
    [`${other}:${value}&sort=-id`, [two.id]],
    [`${value}&sort=lastname`, [two.id, one.id]],
    [`${value}&sort=-created_at`, [two.id, one.id]],
    [`${value}&search=b`, [one.id]],
    [`${value}&email=${one.email}`, [one.id]],
    [`no-such:${value}`, []],
    [value.slice(0, -1), []],
  ])("%s", async (query, found) => {
    expect(idsOf(await account.get(`${list}?identifier=${query}`))).toEqual(found);
  });

  test("deleted patients with deleted=true", async () => {
    const patient = await postPatient(account, withMrn(`${value}9`));
    await account.delete(patientPath(patient));
    expect(idsOf(await account.get(`${list}?deleted=true&identifier=${value}9`))).toEqual([patient.id]);
    expect(idsOf(await account.get(`${list}?identifier=${value}9`))).toEqual([]);
    expect(idsOf(await nurse.get(`${list}?deleted=true&identifier=${value}9`))).toEqual([]);
  });

  test("a doctor's own account the assigned patients too, and with another doctor only that one's", async () => {
    const { account: doctors, doctor } = await newDoctorsAccount(nurse);
    const own = await postPatient(doctors, withMrn(value));
    await assignDoctor(account, { patient: two, doctor });
    await linkDoctor(doctors, doctor);
    expect(idsOf(await doctors.get(`${list}?identifier=${value}`))).toEqual([two.id, own.id]);
    expect(idsOf(await doctors.get(`${list}?identifier=${value}&doctor=${doctor.id}`))).toEqual([two.id]);
  });

  test("page by page, and the link does not have the value", async () => {
    const first = await account.get(`${list}?identifier=${value}&limit=1`);
    expect(nextOf(first)).not.toContain(value);
    expect(idsOf(await account.get(nextOf(first) ?? ""))).toEqual([two.id]);
  });

  test.each(["", "%20", "-", "%20-%20", "x".repeat(98)])("400 for %j", async (query) => {
    expect(await account.get(`${list}?identifier=${query}`)).toEqual(fieldProblem("identifier"));
  });
});

test("the audit log has the last three characters of a value, and none of one with six or fewer", async () => {
  const created = await nurse.post(
    list,
    newPatient({
      identifiers: [
        { system: mrn, value: "ab-45678" },
        { system: mrn, value: "a-b-c-d-e-f" },
        // Each of the three stands for four characters in the form that is compared.
        { system: mrn, value: "㍿㍿㍿" },
      ],
    }),
  );
  const masked = [
    { system: mrn, value: "*****678" },
    { system: mrn, value: "***********" },
    { system: mrn, value: "***" },
  ];
  const changed = await nurse.patch(patientPath(created.body), { identifiers: [] });
  const changesOf = async (answer: typeof created) =>
    (await auditEventsOf(answer))[0]?.["changes"].identifiers;
  expect(await changesOf(created)).toEqual({ before: null, after: masked });
  expect(await changesOf(changed)).toEqual({ before: masked, after: [] });
  const { body } = await nurse.get(`${patientPath(created.body)}history/`);
  expect(body[0].changes.identifiers).toEqual({ before: masked, after: [] });
});
