import { describe, expect, test } from "vitest";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { newDoctorsAccount } from "../support/ownership.ts";
import { fieldProblem, problem, withoutRequestDetails } from "../support/problems.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";

const api = connectApi();
const [nurse, admin] = [await newAccount(api), await newAccount(api, "admin")];
const pathOf = ({ id }: { id: number }) => `/api/mappings/${id}/`;
const ifMatch = (etag: string) => ({ headers: { "If-Match": etag } });

/** A patient with two doctors. */
async function twoAssignments(account: TestAccount = nurse) {
  const patient = await postPatient(account);
  return [await assignDoctor(account, { patient }), await assignDoctor(account, { patient })] as const;
}
const lifeOf = async ({ patient }: { patient: number }, account = nurse) =>
  (await account.get(`/api/mappings/?patient=${patient}`)).body.map(
    ({ id, role, primary, version }: Record<string, unknown>) => [id, role, primary, version],
  );

describe("PATCH of an assignment", () => {
  test("changes its role and returns all of it with its new ETag; fields that are left out stay", async () => {
    const created = await assignDoctor(nurse);
    const changed = await nurse.patch(pathOf(created), { role: "consulting" });
    const expected = { ...created, role: "consulting", version: 2 };
    expect([changed.status, changed.body, changed.headers.get("ETag")]).toEqual([200, expected, '"2"']);
    expect(Object.keys(changed.body)).toEqual(Object.keys(created));
    const primary = await nurse.patch(pathOf(created), { ...changed.body, primary: true });
    expect(primary.body).toEqual({ ...expected, primary: true, version: 3 });
    expect((await nurse.patch(pathOf(created), { primary: false })).body).toMatchObject({
      ...{ role: "consulting", primary: false, version: 4 },
    });
    expect(await lifeOf(created)).toEqual([[created.id, "consulting", false, 4]]);
  });

  test("is audited with the doctor, before and after, and stands in the history of the patient", async () => {
    const { patient, doctor, ...assignment } = await assignDoctor(nurse);
    const answer = await nurse.patch(pathOf(assignment), { role: "covering" });
    const [before, after] = [
      { doctor, role: "attending", primary: false },
      { doctor, role: "covering", primary: false },
    ];
    const event = {
      action: "update_assignment",
      outcome: "done",
      changes: { assignment: { before, after } },
    };
    expect(await auditEventsOf(answer)).toMatchObject([{ ...event, patients: [patient] }]);
    const { body } = await nurse.get(`/api/patients/${patient}/history/`);
    expect(body[0]).toMatchObject({ action: event.action, changes: event.changes });
  });

  test("to primary takes that from the patient's other assignment, whose version goes up; both are audited", async () => {
    const [first, second] = await twoAssignments();
    const other = await assignDoctor(nurse);
    for (const one of [first, other]) await nurse.patch(pathOf(one), { primary: true });
    const answer = await nurse.patch(pathOf(second), { primary: true });
    expect(answer.body).toMatchObject({ primary: true, version: 2 });
    expect(await lifeOf(first)).toEqual([
      [first.id, "attending", false, 3],
      [second.id, "attending", true, 2],
    ]);
    expect(await lifeOf(other)).toEqual([[other.id, "attending", true, 2]]);
    const changes = ({ doctor }: { doctor: number }, primary: boolean) => ({
      assignment: {
        before: { doctor, role: "attending", primary: !primary },
        after: { doctor, role: "attending", primary },
      },
    });
    expect(await auditEventsOf(answer)).toMatchObject([
      { action: "update_assignment", patients: [first.patient], changes: changes(first, false) },
      { action: "update_assignment", patients: [first.patient], changes: changes(second, true) },
    ]);
    const again = await nurse.patch(pathOf(second), { primary: true });
    expect(await auditEventsOf(again)).toMatchObject([{ changes: null }]);
  });

  test("with another version in If-Match is 412, and changes nothing, also no other assignment", async () => {
    const [first, second] = await twoAssignments();
    await nurse.patch(pathOf(first), { primary: true });
    const outdated = problem(412, "The assignment has changed since the version in If-Match: read it again.");
    for (const etag of ['"2"', '"x"'])
      expect(await nurse.patch(pathOf(second), { primary: true }, ifMatch(etag))).toEqual(outdated);
    expect(await nurse.delete(pathOf(second), ifMatch('"2"'))).toEqual(outdated);
    expect(await lifeOf(first)).toEqual([
      [first.id, "attending", true, 2],
      [second.id, "attending", false, 1],
    ]);
    expect((await nurse.patch(pathOf(second), { role: "covering" }, ifMatch('"1"'))).status).toBe(200);
    expect((await nurse.delete(pathOf(second), ifMatch('"2"'))).status).toBe(204);
  });

  test("needs If-Match by REQUIRE_IF_MATCH; DELETE, which is older, does not", async () => {
    const strict = await newAccount(connectApi({ REQUIRE_IF_MATCH: "true" }));
    const assignment = await assignDoctor(strict);
    expect(await strict.patch(pathOf(assignment), { role: "covering" })).toEqual(problem(428));
    expect((await strict.delete(pathOf(assignment))).status).toBe(204);
  });

  test("to another role than the three is 400 and names the field", async () => {
    const assignment = await assignDoctor(nurse);
    expect(await nurse.patch(pathOf(assignment), { role: "nurse", primary: null })).toEqual(
      fieldProblem("role", "primary"),
    );
  });

  test("is 403 for the own account of the doctor, and the same 404 for others as for an unknown id and for an ended one", async () => {
    const { account, doctor } = await newDoctorsAccount(admin);
    const [assignment, ended] = [
      await assignDoctor(nurse, { doctor }),
      await assignDoctor(nurse, { doctor }),
    ];
    const refused = await account.patch(pathOf(assignment), { primary: true });
    expect(refused).toEqual(
      problem(403, "Only the patient's owner or an admin may change or delete it.", "not_patient_owner"),
    );
    expect(await auditEventsOf(refused)).toMatchObject([
      { action: "update_assignment", outcome: "refused", patients: [assignment.patient], changes: null },
    ]);
    await nurse.delete(pathOf(ended));
    const sendTo = async (by: TestAccount, id: number) =>
      withoutRequestDetails(await by.patch(pathOf({ id }), { primary: true }));
    const unknown = await sendTo(nurse, 2_147_483_647);
    expect(unknown).toMatchObject({ status: 404, body: { detail: "There is no such assignment." } });
    expect(await sendTo(await newAccount(api), assignment.id)).toEqual(unknown);
    expect(await sendTo(nurse, ended.id)).toEqual(unknown);
    expect((await admin.patch(pathOf(assignment), { role: "consulting" })).body).toMatchObject({
      version: 2,
    });
  });

  test("of a deleted patient's assignment is 404 until the patient is restored", async () => {
    const assignment = await assignDoctor(nurse);
    await nurse.delete(`/api/patients/${assignment.patient}/`);
    for (const by of [nurse, admin])
      expect(await by.patch(pathOf(assignment), { primary: true })).toEqual(problem(404));
    await nurse.post(`/api/patients/${assignment.patient}/restore/`);
    expect((await nurse.patch(pathOf(assignment), { primary: true })).status).toBe(200);
  });
});

describe("POST of an assignment", () => {
  const post = (body: object, headers = {}) => nurse.post("/api/mappings/", body, { headers });

  test("with a role and primary has both, and takes primary from the patient's other assignment", async () => {
    const [first] = await twoAssignments();
    await nurse.patch(pathOf(first), { role: "covering", primary: true });
    const doctor = (await postDoctor(nurse)).id;
    const answer = await post({ patient: first.patient, doctor, role: "consulting", primary: true });
    expect(answer).toMatchObject({ status: 201, body: { role: "consulting", primary: true, version: 1 } });
    expect(answer.headers.get("ETag")).toBe('"1"');
    expect((await lifeOf(first))[0]).toEqual([first.id, "covering", false, 3]);
    const former = { doctor: first.doctor, role: "covering" };
    expect(await auditEventsOf(answer)).toMatchObject([
      {
        action: "update_assignment",
        changes: {
          assignment: { before: { ...former, primary: true }, after: { ...former, primary: false } },
        },
      },
      {
        action: "assign",
        changes: {
          doctor: { before: null, after: doctor },
          role: { before: null, after: "consulting" },
          primary: { before: null, after: true },
        },
      },
    ]);
  });

  test("of a doctor who is assigned is 409 also with primary, and the primary one stays", async () => {
    const [first, second] = await twoAssignments();
    await nurse.patch(pathOf(first), { primary: true });
    const { patient, doctor } = second;
    expect(await post({ patient, doctor, primary: true })).toEqual(problem(409));
    expect(await lifeOf(first)).toMatchObject([{ 2: true }, { 2: false }]);
  });

  test("with an idempotency key is another request when the role differs, and takes primary once", async () => {
    const [first] = await twoAssignments();
    const body = { patient: first.patient, doctor: (await postDoctor(nurse)).id, primary: true };
    const headers = { "Idempotency-Key": crypto.randomUUID() };
    const created = await post(body, headers);
    await nurse.patch(pathOf(first), { primary: true });
    expect((await post({ ...body, role: "attending" }, headers)).body).toEqual(created.body);
    expect((await lifeOf(first))[0]).toMatchObject({ 0: first.id, 2: true });
    for (const other of [{ role: "covering" }, { primary: false }])
      expect(await post({ ...body, ...other }, headers)).toEqual(problem(422));
  });
});
