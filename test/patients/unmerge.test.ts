import { describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import {
  newDoctorsAccount,
  patientPath,
  postEmergencyAccess,
  postMerge,
  postTransfer,
  postUnmerge,
} from "../support/ownership.ts";
import { idsOf } from "../support/pages.ts";
import { problem } from "../support/problems.ts";
import { assignDoctor, postIdentifierSystem, postPatient } from "../support/resources.ts";

const api = connectApi();
const [nurse, stranger, admin, otherAdmin] = [
  await newAccount(api),
  await newAccount(api),
  await newAccount(api, "admin"),
  await newAccount(api, "admin"),
];
const phones = (...digits: number[]) => digits.map((digit) => `+4930123456${digit}`);
const read = async (patient: { id: number }, account = nurse) =>
  (await account.get(patientPath(patient))).body;
const asBefore = (patient: { version: number }) => ({
  ...patient,
  updated_at: expect.any(String),
  version: patient.version + 2,
});

/** Two patients, of whom the first was merged into the second. */
async function mergedPair(
  take: string[] = [],
  card: Record<string, unknown> = {},
  survivor: Record<string, unknown> = {},
) {
  const pair = { card: await postPatient(nurse, card), survivor: await postPatient(nurse, survivor) };
  expect((await postMerge(nurse, pair.card, pair.survivor, { take })).status).toBe(200);
  return pair;
}

describe("undoing a merge", () => {
  test("gives both patients what they had, and raises both versions", async () => {
    const { card, survivor } = await mergedPair(
      ["email", "firstname", "birth_date", "address"],
      { firstname: "Adah", age: null, birth_date: "1990-05", phones: phones(1), address: { city: "Bern" } },
      { phones: phones(2) },
    );
    expect(await read(survivor)).toMatchObject({ firstname: "Adah", phones: phones(2, 1) });
    const answer = await postUnmerge(nurse, card);
    const restored = ["address", "age", "birth_date", "email", "firstname", "phones"];
    expect(answer).toMatchObject({ status: 200, body: { restored, kept: [] } });
    expect([await read(card), await read(survivor)]).toEqual([asBefore(card), asBefore(survivor)]);
    expect(await auditEventsOf(answer)).toMatchObject([
      {
        ...{ action: "unmerge", outcome: "done", patients: [card.id, survivor.id] },
        changes: {
          merged: { before: card.id, after: null },
          email: { before: card.email, after: survivor.email },
        },
      },
    ]);
  });

  test("keeps what was changed since, and takes only its own phone numbers away", async () => {
    const { card, survivor } = await mergedPair(
      ["lastname", "age"],
      { lastname: "King", age: 40, phones: phones(1, 2) },
      { phones: phones(3) },
    );
    await nurse.patch(patientPath(survivor), { age: 41, phones: phones(4, 3, 1) });
    const kept = [{ field: "age", why: "changed" }];
    expect((await postUnmerge(nurse, card)).body).toEqual({ restored: ["lastname", "phones"], kept });
    expect(await read(survivor)).toMatchObject({ lastname: "Lovelace", age: 41, phones: phones(4, 3) });
    expect(await read(card)).toMatchObject({ lastname: "King", age: 40, phones: phones(1, 2) });
  });

  test("leaves an email away that another patient has now, and a patient without any contact is anonymous", async () => {
    const { card } = await mergedPair();
    await postPatient(nurse, { email: card.email.toUpperCase() });
    const kept = [{ field: "email", why: "in_use" }];
    expect((await postUnmerge(nurse, card)).body).toEqual({ restored: [], kept });
    expect(await read(card)).toMatchObject({ email: null, anonymous: true });
  });

  test("leaves the survivor without an email when another patient has its former one", async () => {
    const { card, survivor } = await mergedPair(["email"], { phones: phones(5) });
    await postPatient(nurse, { email: survivor.email });
    const kept = [{ field: "email", why: "in_use" }];
    expect((await postUnmerge(nurse, card)).body).toMatchObject({ kept });
    expect(await read(survivor)).toMatchObject({ email: null, anonymous: true, phones: [] });
    expect(await read(card)).toEqual(asBefore(card));
  });

  test("takes identifiers away that came with the merge, and leaves those away that another patient has now", async () => {
    const system = (await postIdentifierSystem(admin)).name;
    const identifiers = (...values: string[]) => values.map((value) => ({ system, value }));
    const [one, two, own, later] = [1, 2, 3, 4].map((digit) => `MRN-2026-${digit}`) as [
      string,
      string,
      string,
      string,
    ];
    const { card, survivor } = await mergedPair(
      [],
      { identifiers: identifiers(one, two) },
      { identifiers: identifiers(own) },
    );
    expect(await read(survivor)).toMatchObject({ identifiers: identifiers(own, one, two) });
    // Without the number two, which a third patient gets.
    await nurse.patch(patientPath(survivor), { identifiers: identifiers(own, one.toLowerCase(), later) });
    await postPatient(nurse, { identifiers: identifiers(two) });
    const kept = [{ field: "identifiers", why: "in_use" }];
    const answer = await postUnmerge(nurse, card);
    expect(answer.body).toEqual({ restored: ["identifiers"], kept });
    expect(await read(survivor)).toMatchObject({ identifiers: identifiers(own, later) });
    expect(await read(card)).toMatchObject({ identifiers: identifiers(one) });
    expect(JSON.stringify(await auditEventsOf(answer))).not.toContain("MRN-2026");
  });

  test("gives back the email of both when they share it", async () => {
    const { card, survivor } = await mergedPair(["email"], { email_shared: true });
    await postPatient(nurse, { email: card.email });
    expect((await postUnmerge(nurse, card)).body).toEqual({ restored: ["email", "email_shared"], kept: [] });
    expect([await read(card), await read(survivor)]).toEqual([asBefore(card), asBefore(survivor)]);
  });

  test("moves assignments back, and creates the doubles again", async () => {
    const account = await newAccount(api);
    const survivor = await postPatient(account);
    const own = await assignDoctor(account, { patient: survivor });
    const moved = await assignDoctor(account);
    const card = { id: moved.patient };
    const double = await assignDoctor(account, { patient: card, doctor: { id: own.doctor } });
    const before = (await account.get("/api/mappings/")).body;
    await postMerge(account, card, survivor);
    expect((await postUnmerge(account, card)).body).toEqual({ restored: ["assignments"], kept: [] });
    // The one that was moved there and back has another version.
    before[1].version += 2;
    expect((await account.get("/api/mappings/")).body).toEqual(before);
    expect(idsOf(await account.get("/api/mappings/"))).toEqual([own.id, moved.id, double.id]);
  });

  test("leaves the survivor its own ended assignments and emergency accesses", async () => {
    const pair = { card: await postPatient(nurse), survivor: await postPatient(nurse) };
    for (const patient of [pair.card, pair.survivor])
      await nurse.delete(`/api/mappings/${(await assignDoctor(nurse, { patient })).id}/`);
    await postEmergencyAccess(admin, pair.survivor);
    await postEmergencyAccess(otherAdmin, pair.card);
    await postMerge(nurse, pair.card, pair.survivor);
    await postUnmerge(nurse, pair.card);
    const rows = await asOwner`
      SELECT patient_id FROM ended_assignments WHERE patient_id IN (${pair.card.id}, ${pair.survivor.id})
      UNION ALL SELECT patient_id FROM emergency_accesses WHERE patient_id IN (${pair.card.id}, ${pair.survivor.id})
      ORDER BY patient_id`;
    const ids = [pair.card.id, pair.survivor.id];
    expect(rows.map((row) => row["patient_id"])).toEqual([ids[0], ids[0], ids[1], ids[1]]);
  });

  test("says which assignments have ended and which doctors were deleted", async () => {
    const account = await newAccount(api);
    const survivor = await postPatient(account);
    const [own, moved] = [await assignDoctor(account, { patient: survivor }), await assignDoctor(account)];
    const card = { id: moved.patient };
    await assignDoctor(account, { patient: card, doctor: { id: own.doctor } });
    await postMerge(account, card, survivor);
    for (const { id } of [own, moved]) await account.delete(`/api/mappings/${id}/`);
    await account.delete(`/api/doctors/${own.doctor}/`);
    const kept = [
      { field: "assignments", why: "doctor_deleted" },
      { field: "assignments", why: "ended" },
    ];
    expect((await postUnmerge(account, card)).body).toEqual({ restored: [], kept });
    expect((await account.get("/api/mappings/")).body).toEqual([]);
  });

  test("takes an emergency access back that came with the merge", async () => {
    const [card, survivor] = [await postPatient(nurse), await postPatient(nurse)];
    await postEmergencyAccess(admin, card);
    await postMerge(nurse, card, survivor);
    await postUnmerge(nurse, card);
    expect(await admin.get(patientPath(survivor))).toEqual(problem(404));
    expect((await admin.get(patientPath(card))).status).toBe(200);
  });

  test("leaves an emergency access to each of both patients as it was", async () => {
    const [card, survivor] = [await postPatient(nurse), await postPatient(nurse)];
    for (const patient of [card, survivor]) await postEmergencyAccess(admin, patient);
    await postMerge(nurse, card, survivor);
    await postUnmerge(nurse, card);
    for (const patient of [card, survivor]) expect((await admin.get(patientPath(patient))).status).toBe(200);
  });

  test("leaves an emergency access with the survivor that an admin got to it since", async () => {
    const [card, survivor] = [await postPatient(nurse), await postPatient(nurse)];
    await postEmergencyAccess(admin, card);
    await postMerge(nurse, card, survivor);
    // The time of a merge has milliseconds.
    await asOwner`UPDATE patient_merges SET at = at - interval '1 second' WHERE merged_id = ${card.id}`;
    await postEmergencyAccess(admin, survivor);
    await postUnmerge(nurse, card);
    expect((await admin.get(patientPath(survivor))).status).toBe(200);
    expect(await admin.get(patientPath(card))).toEqual(problem(404));
  });

  test("of a chain is 409 until the last merge is undone", async () => {
    const { card, survivor } = await mergedPair(["lastname"], { lastname: "King" });
    const last = await postPatient(nurse);
    await postMerge(nurse, survivor, last);
    expect(await postUnmerge(nurse, card)).toEqual(problem(409, expect.stringContaining(` ${survivor.id},`)));
    expect((await postUnmerge(nurse, survivor)).status).toBe(200);
    expect(await read(survivor)).toMatchObject({ lastname: "King" });
    expect((await postUnmerge(nurse, card)).body).toEqual({ restored: ["lastname"], kept: [] });
    expect([await read(card), await read(last)]).toEqual([asBefore(card), asBefore(last)]);
    expect(await read(survivor)).toMatchObject({ lastname: "Lovelace" });
  });

  test("of two merges into one patient is possible in any order", async () => {
    const { card, survivor } = await mergedPair(["email"]);
    const other = await postPatient(nurse);
    await postMerge(nurse, other, survivor, { take: ["email"] });
    expect((await postUnmerge(nurse, card)).body).toEqual({
      restored: [],
      kept: [{ field: "email", why: "changed" }],
    });
    await postUnmerge(nurse, other);
    expect([await read(card), await read(other)]).toEqual([asBefore(card), asBefore(other)]);
    expect(await read(survivor)).toMatchObject({ email: null });
  });

  test("twice is 409, and the patient can be merged again", async () => {
    const { card, survivor } = await mergedPair();
    await postUnmerge(nurse, card);
    expect(await postUnmerge(nurse, card)).toEqual(problem(409, "This patient is not merged."));
    expect((await postMerge(nurse, survivor, card)).status).toBe(200);
    expect((await postUnmerge(nurse, survivor)).status).toBe(200);
  });

  test("is 409 after 30 days, and the patient stays merged", async () => {
    const { card } = await mergedPair();
    await asOwner`UPDATE patient_merges SET at = at - interval '30 days' WHERE merged_id = ${card.id}`;
    expect(await postUnmerge(nurse, card)).toMatchObject({ status: 409, body: { code: "unmerge_expired" } });
    expect((await nurse.get(patientPath(card))).status).toBe(410);
  });

  test("is for the owner of the survivor alone, who owns both afterwards", async () => {
    const { account, doctor } = await newDoctorsAccount(nurse);
    const { card, survivor } = await mergedPair();
    await assignDoctor(nurse, { patient: survivor, doctor });
    expect(await postUnmerge(account, card)).toEqual(problem(403));
    for (const other of [stranger, admin]) expect(await postUnmerge(other, card)).toEqual(problem(404));
    const ward = await newAccount(api);
    await postTransfer(admin, survivor, ward);
    expect(await postUnmerge(nurse, card)).toEqual(problem(404));
    expect((await postUnmerge(ward, card)).status).toBe(200);
    expect(await read(card, ward)).toMatchObject({ email: card.email });
  });
});

describe("the history", () => {
  test("of the survivor has the changes of both until the merge is undone, page by page", async () => {
    const { card, survivor } = await mergedPair();
    await nurse.get(patientPath(survivor));
    const path = `${patientPath(survivor)}history/`;
    const actions = (body: { action: string }[]) => body.map(({ action }) => action);
    expect(actions((await nurse.get(path)).body)).toEqual(["merge", "create", "create"]);
    const [first, second] = [await nurse.get(`${path}?limit=2`), await nurse.get(`${path}?limit=2`)];
    const next = second.headers.get("Link")?.match(/<([^>]+)>/)?.[1] ?? "";
    const rest = (await nurse.get(next)).body;
    expect([...first.body, ...rest].map(({ id }) => id)).toEqual(idsOf(await nurse.get(path)));
    await postUnmerge(nurse, card);
    for (const patient of [card, survivor])
      expect(actions((await nurse.get(`${patientPath(patient)}history/`)).body)).toEqual([
        "unmerge",
        "merge",
        "create",
      ]);
  });

  test("of the merged patient does not show the survivor's values, neither do the accesses", async () => {
    const { account, doctor } = await newDoctorsAccount(nurse);
    const [card, survivor] = [await postPatient(nurse), await postPatient(nurse)];
    await assignDoctor(nurse, { patient: card, doctor });
    await postMerge(nurse, card, survivor, { take: ["email"] });
    await postUnmerge(nurse, card);
    expect(await account.get(patientPath(survivor))).toEqual(problem(404));
    for (const list of ["history", "accesses"]) {
      const { body } = await account.get(`${patientPath(card)}${list}/`);
      expect(JSON.stringify(body)).not.toContain(survivor.email);
      const changes = body.filter(({ action }: { action: string }) => /merge/.test(action));
      expect(changes).toMatchObject([
        { action: "unmerge", changes: { merged_into: { before: survivor.id, after: null } } },
        { action: "merge", changes: { merged_into: { before: null, after: survivor.id } } },
      ]);
    }
  });

  test("and the accesses follow a chain of merges", async () => {
    const { card, survivor } = await mergedPair();
    const last = await postPatient(nurse);
    await nurse.patch(patientPath(survivor), { age: 50 });
    await postMerge(nurse, survivor, last);
    const history = (await nurse.get(`${patientPath(last)}history/`)).body;
    expect(history.map(({ action }: { action: string }) => action)).toEqual([
      "merge",
      "update",
      "create",
      "merge",
      "create",
      "create",
    ]);
    expect((await nurse.get(patientPath(card))).status).toBe(410);
    const accesses = (await nurse.get(`${patientPath(last)}accesses/?limit=2`)).body;
    expect(accesses).toMatchObject([{ action: "read", outcome: "refused" }, { action: "history" }]);
  });
});
