import { describe, expect, test } from "vitest";
import { endOfTransactions, readAll, readChanges } from "../changes/feed.ts";
import { newAccount } from "../support/accounts.ts";
import { type ApiResponse, connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import {
  newDoctorsAccount,
  patientPath,
  postEmergencyAccess,
  postMerge,
  postRestore,
  postTransfer,
  REASON,
} from "../support/ownership.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";

const api = connectApi();
const [nurse, stranger, admin] = [
  await newAccount(api),
  await newAccount(api),
  await newAccount(api, "admin"),
];

/** A patient that was merged into another one. */
async function mergedPatient() {
  const [card, survivor] = [await postPatient(nurse), await postPatient(nurse)];
  await postMerge(nurse, card, survivor);
  return { card, survivor };
}

/** A 410 that names the successor. */
function expectMerged(answer: ApiResponse, survivor: { id: number }) {
  expect(answer).toMatchObject({ status: 410, body: { code: "merged", successor: survivor.id } });
  expect(answer.headers.get("Link")).toBe(`</api/patients/${survivor.id}/>; rel="successor-version"`);
}

const requests: [method: string, path: string, body?: object][] = [
  ["GET", ""],
  ["PUT", "", { age: 1 }],
  ["PATCH", "", { age: 1 }],
  ["DELETE", ""],
  ["GET", "history/"],
  ["GET", "accesses/"],
  ["GET", "duplicates/"],
  ["POST", "restore/"],
  ["POST", "merge/", { into: 1 }],
];

describe("a merged patient", () => {
  test.each(requests)(
    "is 410 with its successor to %s /:id/%s by its former owner, and 404 for others",
    async (method, path, body) => {
      const { card, survivor } = await mergedPatient();
      const answer = await nurse.request(method, `${patientPath(card)}${path}`, body);
      expectMerged(answer, survivor);
      expect(await auditEventsOf(answer)).toMatchObject([{ outcome: "refused", patients: [card.id] }]);
      const refused = await stranger.request(method, `${patientPath(card)}${path}`, body);
      expect(refused).toEqual(problem(404));
      expect(refused.headers.get("Link")).toBeNull();
      expect(await auditEventsOf(refused)).toMatchObject([{ outcome: "not_found" }]);
    },
  );

  test("is 410 to read its doctors, also for the own account of a doctor who moved to the survivor, and 400 to assign one", async () => {
    const { account, doctor } = await newDoctorsAccount(nurse);
    const [card, survivor] = [await postPatient(nurse), await postPatient(nurse)];
    await assignDoctor(nurse, { patient: card, doctor });
    await postMerge(nurse, card, survivor);
    for (const reader of [nurse, account]) {
      expectMerged(await reader.get(`/api/mappings/${card.id}/`), survivor);
      expectMerged(await reader.get(patientPath(card)), survivor);
    }
    expectMerged(await account.patch(patientPath(card), { age: 1 }), survivor);
    const assignment = { patient: card.id, doctor: (await postDoctor(nurse)).id };
    expect(await nurse.post("/api/mappings/", assignment)).toEqual(fieldProblem("patient"));
  });

  test("is 410 for an admin who asks to transfer it or for emergency access, 404 to read, and 410 to read with access to the survivor", async () => {
    const { card, survivor } = await mergedPatient();
    expect(await admin.get(patientPath(card))).toEqual(problem(404));
    expectMerged(await postTransfer(admin, card, stranger), survivor);
    expectMerged(await postEmergencyAccess(admin, card), survivor);
    expect(await postTransfer(nurse, card, stranger)).toEqual(problem(403));
    await postEmergencyAccess(admin, survivor);
    expectMerged(await admin.get(patientPath(card)), survivor);
  });

  test("does not count as a patient that does not exist: more than 100 requests are not refused as probing", async () => {
    const { card } = await mergedPatient();
    for (let n = 0; n < 102; n++) await nurse.get(patientPath(card));
    expect((await nurse.get(patientPath(card))).status).toBe(410);
  });

  test("names the last survivor of a chain, and follows it when it is transferred, deleted and restored", async () => {
    const { card, survivor } = await mergedPatient();
    const last = await postPatient(nurse);
    await postMerge(nurse, survivor, last);
    for (const merged of [card, survivor]) expectMerged(await nurse.get(patientPath(merged)), last);
    const ward = await newAccount(api);
    await postTransfer(admin, last, ward);
    expectMerged(await ward.get(patientPath(card)), last);
    expect(await nurse.get(patientPath(card))).toEqual(problem(404));
    await ward.delete(patientPath(last));
    expect(await ward.get(patientPath(card))).toEqual(problem(404));
    expectMerged(await ward.get(`${patientPath(card)}history/`), last);
    expectMerged(await postRestore(ward, card), last);
    await postRestore(ward, last);
    expectMerged(await ward.get(patientPath(card)), last);
  });

  test("is not transferred with all patients of its account", async () => {
    const [from, to] = [await newAccount(api), await newAccount(api)];
    const [card, survivor] = [await postPatient(from), await postPatient(from)];
    await postMerge(from, card, survivor);
    const body = { from: from.id, to: to.id, reason: REASON };
    expect((await admin.post("/api/patients/transfer/", body)).body).toMatchObject({ transferred: 1 });
    expectMerged(await to.get(patientPath(card)), survivor);
  });

  test("is deleted in the change feed, with its successor as merged_into", async () => {
    const account = await newAccount(api);
    const [card, survivor] = [await postPatient(account), await postPatient(account)];
    const { cursor } = await readAll(account);
    await postMerge(account, card, survivor);
    await endOfTransactions();
    const { changes } = await readChanges(account, cursor);
    expect(changes).toEqual(
      expect.arrayContaining([
        { kind: "patient", id: card.id, version: 2, deleted: true, merged_into: survivor.id },
        { kind: "patient", id: survivor.id, version: 2 },
      ]),
    );
  });
});
