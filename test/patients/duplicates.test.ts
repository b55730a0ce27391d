import { describe, expect, test } from "vitest";
import { newAccount, type TestAccount, uniqueName } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { linkDoctor, patientPath, postTransfer } from "../support/ownership.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { assignDoctor, newPatient, postDoctor, postResource } from "../support/resources.ts";

const api = connectApi();

const MARIA = { firstname: "María", lastname: "García López", birth_date: "1990-05-17", age: undefined };
/** A new patient; fields that are undefined are left out. */
const maria = (fields: object = {}) => JSON.parse(JSON.stringify(newPatient({ ...MARIA, ...fields })));

const post = (account: TestAccount, body: object, query = "", headers: Record<string, string> = {}) =>
  account.post(`/api/patients/${query}`, body, { headers });
const create = (account: TestAccount, fields: object = {}): Promise<{ id: number }> =>
  postResource(account, "/api/patients/", maria(fields));
/** The `Link` of a creation that names these patients. */
const linkTo = (...patients: { id: number }[]) =>
  patients.length === 0
    ? null
    : patients.map(({ id }) => `</api/patients/${id}/>; rel="duplicate"`).join(", ");
const linkOf = async (account: TestAccount, fields: object) => {
  const { status, headers } = await post(account, maria(fields));
  expect(status).toBe(201);
  return headers.get("Link");
};
const duplicatesOf = async (account: TestAccount, { id }: { id: number }) => {
  const { body } = await account.get(`/api/patients/${id}/duplicates/`);
  return body.map(({ patient, why }: { patient: { id: number }; why: string[] }) => [patient.id, ...why]);
};

describe("POST links to a patient", () => {
  test.each([
    ["with the same names in another spelling", { firstname: "MARIA", lastname: "Garcia-Lopez" }],
    ["with first and last name exchanged", { firstname: "García López", lastname: "María" }],
    ["born in the same year, when no more is known", { birth_date: "1990" }],
    ["with an age that fits the birth date", { birth_date: undefined, age: 36 }],
  ])("%s", async (_, fields) => {
    const account = await newAccount(api);
    const known = await create(account);
    expect(await linkOf(account, fields)).toBe(linkTo(known));
  });

  test.each([
    [
      "with one name, as first or as last name",
      { firstname: "Sukarno", lastname: "" },
      { firstname: "", lastname: "Sukarno" },
    ],
    [
      "with the same phone number and first name, whenever born",
      { phones: ["+34611000001"] },
      { phones: ["+34611000002", "+34611000001"], lastname: "Ruiz", birth_date: "1988" },
    ],
  ])("%s", async (_, first, second) => {
    const account = await newAccount(api);
    expect(await linkOf(account, second)).toBe(null);
    const known = await create(await newAccount(api), first);
    const owner = await newAccount(api);
    const own = await create(owner, first);
    expect(own.id).not.toBe(known.id);
    expect(await linkOf(owner, second)).toBe(linkTo(own));
  });

  test.each([
    ["born on another day", { birth_date: "1990-05-18" }],
    ["with another first name", { firstname: "Ana" }],
    ["of the same family: last name and phone number", { firstname: "Ana", phones: ["+34611000003"] }],
  ])("but not to one %s", async (_, fields) => {
    const account = await newAccount(api);
    await create(account, { phones: ["+34611000003"] });
    expect(await linkOf(account, fields)).toBe(null);
  });

  test("but neither to a deleted one nor to one of another account, also when it is assigned to the doctor of the account", async () => {
    const [account, other, admin] = [
      await newAccount(api),
      await newAccount(api),
      await newAccount(api, "admin"),
    ];
    const [deleted, transferred, assigned] = [
      await create(account),
      await create(account),
      await create(other),
    ];
    await account.delete(patientPath(deleted));
    await postTransfer(admin, transferred, other);
    const doctor = await postDoctor(other);
    await assignDoctor(other, { patient: assigned, doctor });
    await linkDoctor(account, doctor);
    expect((await account.get(patientPath(assigned))).status).toBe(200);
    expect(await linkOf(account, {})).toBe(null);
  });

  test("at most to ten, those with more in common first", async () => {
    const account = await newAccount(api);
    const best = await create(account, { phones: ["+34611000004"] });
    const others = [];
    for (let n = 0; n < 11; n++) others.unshift(await create(account, { birth_date: "1990" }));
    expect(await linkOf(account, { phones: ["+34611000004"] })).toBe(linkTo(best, ...others.slice(0, 9)));
  });
});

describe("an Idempotency-Key", () => {
  test("gets the same links again, also when one of the patients was deleted meanwhile", async () => {
    const account = await newAccount(api);
    const known = await create(account);
    const [body, headers] = [maria(), { "Idempotency-Key": uniqueName("key-") }];
    const first = await post(account, body, "", headers);
    await account.delete(patientPath(known));
    await create(account);
    const replay = await post(account, body, "", headers);
    expect([replay.status, replay.headers.get("Idempotency-Replayed")]).toEqual([201, "true"]);
    expect([first, replay].map((answer) => answer.headers.get("Link"))).toEqual([
      linkTo(known),
      linkTo(known),
    ]);
  });

  test("of a refused patient can be used again with the ids of the others", async () => {
    const account = await newAccount(api);
    const known = await create(account);
    const [body, headers] = [maria(), { "Idempotency-Key": uniqueName("key-") }];
    expect((await post(account, body, "?duplicates=refuse", headers)).status).toBe(409);
    const told = { ...body, not_duplicate_of: [known.id] };
    expect((await post(account, told, "?duplicates=refuse", headers)).status).toBe(201);
  });
});

describe("POST with duplicates=refuse", () => {
  test("returns 409 with the ids, takes no id, and is audited as refused", async () => {
    const account = await newAccount(api);
    const [first, second] = [await create(account), await create(account)];
    const refused = await post(account, maria(), "?duplicates=refuse");
    const duplicates = [second.id, first.id];
    expect(refused).toEqual(problem(409, undefined, "possible_duplicate", { duplicates }));
    expect(await auditEventsOf(refused)).toMatchObject([{ action: "create", outcome: "refused" }]);
    expect((await create(account)).id).toBe(second.id + 1);
  });

  test("creates a patient that looks like nobody else, without a Link", async () => {
    const account = await newAccount(api);
    const { status, headers } = await post(account, maria(), "?duplicates=refuse");
    expect([status, headers.get("Link")]).toEqual([201, null]);
  });

  test("creates one that is told apart from all others, whose history has their ids", async () => {
    const account = await newAccount(api);
    const [first, second] = [await create(account), await create(account)];
    const told = (...ids: number[]) => post(account, maria({ not_duplicate_of: ids }), "?duplicates=refuse");
    expect((await told(first.id)).body.duplicates).toEqual([second.id]);
    const created = await told(first.id, second.id, 2_147_483_647);
    expect([created.status, created.headers.get("Link")]).toEqual([201, null]);
    const history = await account.get(`${patientPath(created.body)}history/`);
    const change = { before: null, after: [first.id, second.id, 2_147_483_647] };
    expect(history.body[0].changes).toMatchObject({ not_duplicate_of: change });
    expect(created.body).not.toHaveProperty("not_duplicate_of");
  });
});

test.each([
  ["duplicates", "?duplicates=maybe", {}],
  ["duplicates", "?duplicates=", {}],
  ["not_duplicate_of", "", { not_duplicate_of: null }],
  ["not_duplicate_of", "", { not_duplicate_of: 7 }],
  ["not_duplicate_of.0", "", { not_duplicate_of: ["7"] }],
  ["not_duplicate_of", "", { not_duplicate_of: Array.from({ length: 21 }, (_, n) => n + 1) }],
])("POST with an invalid %s returns 400 (%s %j)", async (field, query, fields) => {
  expect(await post(await newAccount(api), maria(fields), query)).toEqual(fieldProblem(field));
});

test("PATCH and an import do not take not_duplicate_of", async () => {
  const account = await newAccount(api);
  const patient = await create(account);
  expect(await account.patch(patientPath(patient), { not_duplicate_of: [1] })).toEqual(
    fieldProblem("not_duplicate_of"),
  );
  const raw = JSON.stringify(maria({ not_duplicate_of: [1] }));
  const imported = await account.request("POST", "/api/patients/import/", undefined, {
    raw,
    headers: { "Content-Type": "application/x-ndjson" },
  });
  expect(imported).toEqual(fieldProblem("1.not_duplicate_of"));
});

describe("GET of a patient's duplicates", () => {
  test("lists the patients that look like it, the best first, and why, and is audited with them", async () => {
    const account = await newAccount(api);
    const patient = await create(account, {
      phones: ["+34611000005"],
      email: "family@example.org",
      email_shared: true,
    });
    const exchanged = await create(account, {
      firstname: "García López",
      lastname: "María",
      birth_date: "1990",
    });
    const sister = await create(account, { firstname: "Ana", phones: ["+34611000005"] });
    const married = await create(account, { lastname: "Ruiz", birth_date: "1991", phones: ["+34611000005"] });
    const twin = await create(account, { email: "family@example.org", email_shared: true });
    expect(await duplicatesOf(account, patient)).toEqual([
      [twin.id, "name", "birth", "email"],
      [married.id, "first_name", "phone"],
      [exchanged.id, "exchanged_name", "birth"],
    ]);
    expect(await duplicatesOf(account, sister)).toEqual([]);
    const answer = await account.get(`${patientPath(patient)}duplicates/`);
    expect(answer.body[0].patient).toEqual((await account.get(patientPath(twin))).body);
    const patients = expect.arrayContaining([patient.id, twin.id, married.id, exchanged.id]);
    expect(await auditEventsOf(answer)).toMatchObject([{ action: "duplicates", outcome: "done", patients }]);
  });

  test("returns 404 for another account's patient, which counts as a probe", async () => {
    const patient = await create(await newAccount(api));
    const answer = await (await newAccount(api)).get(`${patientPath(patient)}duplicates/`);
    expect(answer).toEqual(problem(404));
    expect(await auditEventsOf(answer)).toMatchObject([{ outcome: "not_found", patients: [patient.id] }]);
  });

  test("shows the account of an assigned doctor only patients that it can read", async () => {
    const [owner, account] = [await newAccount(api), await newAccount(api)];
    const [patient, shown, hidden] = [await create(owner), await create(owner), await create(owner)];
    const doctor = await postDoctor(owner);
    for (const assigned of [patient, shown]) await assignDoctor(owner, { patient: assigned, doctor });
    await linkDoctor(account, doctor);
    await create(account);
    expect(await duplicatesOf(account, patient)).toEqual([[shown.id, "name", "birth"]]);
    expect(await duplicatesOf(owner, patient)).toEqual(
      [hidden, shown].map(({ id }) => [id, "name", "birth"]),
    );
  });
});
