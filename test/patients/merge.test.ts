import { describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import {
  deletedPatientsOf,
  newDoctorsAccount,
  patientPath,
  patientsOf,
  postEmergencyAccess,
  postErase,
  postMerge,
  postTransfer,
  postUnmerge,
} from "../support/ownership.ts";
import { idsOf } from "../support/pages.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { assignDoctor, postPatient } from "../support/resources.ts";

const api = connectApi();
const [nurse, stranger, admin] = [
  await newAccount(api),
  await newAccount(api),
  await newAccount(api, "admin"),
];
const UNKNOWN = { id: 2_147_483_647 };

describe("a merge", () => {
  test("leaves the survivor's fields as they are, raises both versions, and takes the other patient out of all lists", async () => {
    const account = await newAccount(api);
    const [card, survivor] = [await postPatient(account, { firstname: "Adah" }), await postPatient(account)];
    const answer = await postMerge(account, card, survivor);
    expect(answer).toMatchObject({
      status: 200,
      body: { ...survivor, updated_at: expect.any(String), version: 2 },
    });
    expect(answer.headers.get("ETag")).toBe(`"2.${survivor.age}"`);
    expect((await account.get(patientPath(survivor))).body).toEqual(answer.body);
    expect([await patientsOf(account), await deletedPatientsOf(account)]).toEqual([[survivor.id], []]);
    expect(idsOf(await account.get("/api/patients/?search=adah"))).toEqual([]);
    expect((await account.get("/api/patients/export/")).body).not.toContain("Adah");
    // Nobody has its email any more.
    expect((await postPatient(account, { email: card.email })).id).toBeGreaterThan(survivor.id);
  });

  test("takes the fields that are named, and with an age or a birth date the other one", async () => {
    const [card, survivor] = [
      await postPatient(nurse, { lastname: "King", age: null, birth_date: "1990-12-10" }),
      await postPatient(nurse),
    ];
    const answer = await postMerge(nurse, card, survivor, { take: ["lastname", "email", "age"] });
    const { lastname, email, age, birth_date, age_as_of } = card;
    expect(answer.body).toEqual({
      ...survivor,
      ...{ lastname, email, age, birth_date, age_as_of },
      ...{ updated_at: expect.any(String), version: 2 },
    });
    expect(idsOf(await nurse.get("/api/patients/?search=king"))).toContain(survivor.id);
  });

  test("unites the phone numbers, also when they are taken: those of the merged patient are first then", async () => {
    const [one, two, three] = ["+41440000001", "+41440000002", "+41440000003"];
    const united = async (take: string[]) => {
      const card = await postPatient(nurse, { phones: [one, two] });
      const survivor = await postPatient(nurse, { phones: [three, two] });
      return (await postMerge(nurse, card, survivor, { take })).body.phones;
    };
    expect([await united([]), await united(["phones"])]).toEqual([
      [three, two, one],
      [one, two, three],
    ]);
  });

  test("moves assignments; of two with the same doctor the survivor's stays", async () => {
    const account = await newAccount(api);
    const survivor = await postPatient(account);
    const own = await assignDoctor(account, { patient: survivor });
    const moved = await assignDoctor(account);
    const card = { id: moved.patient };
    await assignDoctor(account, { patient: card, doctor: { id: own.doctor } });
    const answer = await postMerge(account, card, survivor);
    const { body } = await account.get("/api/mappings/");
    expect(body).toMatchObject([
      { id: own.id, patient: { id: survivor.id }, doctor: { id: own.doctor } },
      { id: moved.id, patient: { id: survivor.id }, doctor: { id: moved.doctor } },
    ]);
    expect(await auditEventsOf(answer)).toMatchObject([
      {
        changes: {
          merged: { before: null, after: card.id },
          doctors: { before: [own.doctor], after: [own.doctor, moved.doctor] },
        },
      },
    ]);
  });

  test("is one audit event, which names both patients and what changed of the survivor", async () => {
    const [card, survivor] = [await postPatient(nurse), await postPatient(nurse)];
    const answer = await postMerge(nurse, card, survivor, { take: ["email"] });
    expect(await auditEventsOf(answer)).toMatchObject([
      {
        ...{ action: "merge", outcome: "done", patients: [card.id, survivor.id] },
        changes: {
          email: { before: survivor.email, after: card.email },
          merged: { before: null, after: card.id },
        },
      },
    ]);
  });

  test("into itself, an unknown, a deleted or a merged patient, or that of another account is the same 400", async () => {
    const [card, deleted, merged] = [
      await postPatient(nurse),
      await postPatient(nurse),
      await postPatient(nurse),
    ];
    await nurse.delete(patientPath(deleted));
    await postMerge(nurse, merged, await postPatient(nurse));
    const answers = [];
    for (const into of [card, UNKNOWN, deleted, merged, await postPatient(stranger)])
      answers.push(await postMerge(nurse, card, into));
    for (const answer of answers) expect(answer).toEqual(fieldProblem("into"));
    expect(new Set(answers.map(({ body }) => JSON.stringify({ ...body, request_id: "" }))).size).toBe(1);
    expect((await nurse.get(patientPath(card))).body).toEqual(card);
  });

  test.each([
    [{ take: ["id"] }, "take.0"],
    [{ take: "email" }, "take"],
    [{ take: ["email_shared"] }, "take.0"],
    [{ into: "1" }, "into"],
    [{ into: undefined }, "into"],
    [{ if_match: 0 }, "if_match"],
    [{ if_match: "x" }, "if_match"],
    [{ fields: [] }, "fields"],
  ])("with %j is 400", async (body, field) => {
    expect(await postMerge(nurse, UNKNOWN, UNKNOWN, body)).toEqual(fieldProblem(field));
  });

  test("is 404 for those who cannot read the patient, 403 for those who only read it, and 404 for an unknown one", async () => {
    const { account, doctor } = await newDoctorsAccount(nurse);
    const [card, survivor] = [await postPatient(nurse), await postPatient(nurse)];
    await assignDoctor(nurse, { patient: card, doctor });
    await assignDoctor(nurse, { patient: survivor, doctor });
    expect(await postMerge(account, card, survivor)).toEqual(problem(403));
    for (const other of [stranger, admin])
      expect(await postMerge(other, card, survivor)).toEqual(problem(404));
    expect(await postMerge(nurse, UNKNOWN, survivor)).toEqual(problem(404));
    // One that the caller owns, and one that it only reads.
    const own = await postPatient(account);
    expect(await postMerge(account, own, survivor)).toEqual(fieldProblem("into"));
  });

  test("with a stale If-Match or if_match is 412 and changes nothing", async () => {
    const [card, survivor] = [await postPatient(nurse), await postPatient(nurse)];
    const stale = { "If-Match": '"7"' };
    expect(await postMerge(nurse, card, survivor, {}, stale)).toEqual(problem(412));
    for (const if_match of [2, '"2"', '"2.36"', 'W/"2"'])
      expect(await postMerge(nurse, card, survivor, { if_match })).toEqual(problem(412));
    const fresh = { "If-Match": '"1"' };
    expect((await postMerge(nurse, card, survivor, { if_match: '"1.36"' }, fresh)).status).toBe(200);
  });

  test("with the same Idempotency-Key is replayed; with the key of another merge it is 422; without a key it is 410", async () => {
    const [card, survivor] = [await postPatient(nurse), await postPatient(nurse)];
    const key = { "Idempotency-Key": crypto.randomUUID() };
    const answer = await postMerge(nurse, card, survivor, {}, key);
    const replay = await postMerge(nurse, card, survivor, {}, key);
    expect(replay).toMatchObject({ status: 200, body: answer.body });
    expect(replay.headers.get("ETag")).toBe(answer.headers.get("ETag"));
    expect(replay.headers.get("Idempotency-Replayed")).toBe("true");
    expect(await auditEventsOf(replay)).toMatchObject([{ action: "replay" }]);
    expect(await postMerge(nurse, card, survivor, { take: ["email"] }, key)).toEqual(problem(422));
    expect(await postMerge(nurse, card, survivor)).toMatchObject({ status: 410 });
    expect(await postMerge(nurse, card, card)).toMatchObject({ status: 410 });
  });

  test("with the same Idempotency-Key is 409 when the merged patient was erased", async () => {
    const [card, survivor] = [await postPatient(nurse), await postPatient(nurse)];
    const send = () =>
      postMerge(nurse, card, survivor, { take: ["email"] }, { "Idempotency-Key": `merge-${card.id}` });
    await send();
    await postUnmerge(nurse, card);
    await nurse.delete(patientPath(card));
    await postErase(admin, card);
    expect(await send()).toMatchObject({ status: 409, body: { code: "replay_unreadable" } });
  });

  test("lets a patient be transferred with its assignments afterwards", async () => {
    const survivor = await postPatient(nurse);
    const { patient, id } = await assignDoctor(nurse);
    await postMerge(nurse, { id: patient }, survivor);
    const to = await newAccount(api);
    expect((await postTransfer(admin, survivor, to)).status).toBe(200);
    expect(idsOf(await to.get("/api/mappings/"))).toEqual([id]);
  });

  test("lets an admin's emergency access continue who had an expired one to the survivor", async () => {
    const [card, survivor] = [await postPatient(nurse), await postPatient(nurse)];
    for (const patient of [card, survivor]) await postEmergencyAccess(admin, patient);
    await asOwner`UPDATE emergency_accesses SET expires_at = now() - interval '1 second' WHERE patient_id = ${survivor.id}`;
    await postMerge(nurse, card, survivor);
    expect((await admin.get(patientPath(survivor))).status).toBe(200);
  });

  test("lets an admin's emergency access continue with the survivor", async () => {
    const [card, survivor] = [await postPatient(nurse), await postPatient(nurse)];
    await postEmergencyAccess(admin, card);
    expect(await admin.get(patientPath(survivor))).toEqual(problem(404));
    await postMerge(nurse, card, survivor);
    expect((await admin.get(patientPath(survivor))).status).toBe(200);
  });
});
