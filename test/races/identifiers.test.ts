import { expect, test } from "vitest";
import { imported } from "../patients/files.ts";
import { newAccount, uniqueName } from "../support/accounts.ts";
import { holdLock } from "../support/held-lock.ts";
import { patientPath, postTransfer } from "../support/ownership.ts";
import { insertRecords } from "../support/pages.ts";
import { atOnce, CROWD, connectWithoutLimits, onceReleased, raceBehind, tally } from "../support/races.ts";
import { newPatient, newSystemName, postIdentifierSystem, postPatient } from "../support/resources.ts";

const api = connectWithoutLimits();
const admin = await newAccount(api, "admin");
const { name: system } = await postIdentifierSystem(admin);
const identified = (value: string) => ({ identifiers: [{ system, value }] });
const oneOf = (won: number, lost: number) => ({ [won]: 1, [lost]: CROWD - 1 });

test(`of ${CROWD} POSTs of patients with one identifier at once, one is 201, the others are 409 with its id and take none`, async () => {
  const [nurse, value] = [await newAccount(api), uniqueName("r-")];
  const lock = await holdLock("LOCK TABLE patients IN SHARE ROW EXCLUSIVE MODE");
  const answers = await raceBehind(lock, CROWD, () =>
    atOnce(CROWD, () => nurse.post("/api/patients/", newPatient(identified(value)))),
  );
  expect(tally(answers)).toEqual(oneOf(201, 409));
  const created = answers.find(({ status }) => status === 201);
  expect(new Set(answers.map(({ body }) => body.existing ?? body.id))).toEqual(new Set([created?.body.id]));
  expect((await postPatient(nurse)).id).toBe(created?.body.id + 1);
});

test("POSTs with the same identifiers in another order do not wait for each other for ever", async () => {
  const [nurse, one, two] = [await newAccount(api), uniqueName("r-"), uniqueName("r-")];
  const identifiers = [one, two].map((value) => ({ system, value }));
  const answers = await atOnce(CROWD, (index) =>
    nurse.post(
      "/api/patients/",
      newPatient({ identifiers: index % 2 ? identifiers : identifiers.toReversed() }),
    ),
  );
  expect(tally(answers)).toEqual(oneOf(201, 409));
});

test(`of ${CROWD} patients that are given one identifier at once, one is 200 and the others are 409 with its id`, async () => {
  const [nurse, value] = [await newAccount(api), uniqueName("r-")];
  const ids = await insertRecords("patients", nurse, CROWD);
  const change = (index: number) => nurse.patch(`/api/patients/${ids[index]}/`, identified(value));
  const answers = await onceReleased("patients", nurse, () => atOnce(CROWD, change), CROWD);
  expect(tally(answers)).toEqual(oneOf(200, 409));
  const changed = answers.find(({ status }) => status === 200);
  expect(new Set(answers.map(({ body }) => body.existing ?? body.id))).toEqual(new Set([changed?.body.id]));
});

test("an import while a patient is given one of its identifiers is a write_conflict and imports nothing", async () => {
  const [nurse, value] = [await newAccount(api), uniqueName("r-")];
  const patient = await postPatient(nurse);
  const lock = await holdLock("UPDATE patients SET identifiers = $1 WHERE id = $2", [
    JSON.stringify(identified(value).identifiers),
    patient.id,
  ]);
  const file = JSON.stringify(newPatient(identified(value)));
  const refused = await raceBehind(lock, 1, () => imported(nurse, file));
  expect([refused.status, refused.body.code]).toEqual([409, "write_conflict"]);
  expect((await nurse.get("/api/patients/")).body).toHaveLength(1);
});

test("a transfer while the other account's patient is given the identifier is 409, and the patient stays", async () => {
  const [from, to, value] = [await newAccount(api), await newAccount(api), uniqueName("r-")];
  const [patient, other] = [await postPatient(from, identified(value)), await postPatient(to)];
  const lock = await holdLock("UPDATE patients SET identifiers = $1 WHERE id = $2", [
    JSON.stringify(identified(value).identifiers),
    other.id,
  ]);
  const { status, body } = await raceBehind(lock, 1, () => postTransfer(admin, patient, to));
  expect([status, body.code]).toEqual([409, "receiver_has_identifier"]);
  expect((await from.get(patientPath(patient))).status).toBe(200);
});

test("a POST with an identifier of a system that gets another name meanwhile is 400", async () => {
  const nurse = await newAccount(api);
  const { name, id } = await postIdentifierSystem(admin);
  const lock = await holdLock("UPDATE identifier_systems SET name = $1 WHERE id = $2", [newSystemName(), id]);
  const { status, body } = await raceBehind(lock, 1, () =>
    nurse.post("/api/patients/", newPatient({ identifiers: [{ system: name, value: "1" }] })),
  );
  expect([status, body.error_codes]).toEqual([400, { identifiers: ["no_such_record"] }]);
});
