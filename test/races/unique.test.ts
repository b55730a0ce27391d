import { expect, test } from "vitest";
import { imported, NDJSON } from "../patients/files.ts";
import { newAccount, PASSWORD, uniqueName } from "../support/accounts.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import { insertRecords } from "../support/pages.ts";
import { atOnce, CROWD, connectWithoutLimits, onceReleased, raceBehind, tally } from "../support/races.ts";
import { newDoctor, newPatient, postDoctor, postPatient } from "../support/resources.ts";

const api = connectWithoutLimits();
const oneOf = (won: number, lost: number) => ({ [won]: 1, [lost]: CROWD - 1 });
const anyCase = (text: string, index: number) => (index % 2 ? text : text.toUpperCase());

/** Keeps every statement from writing to a table; all may read it. */
const lockTable = (table: "users" | "patients" | "doctors") =>
  holdLock(`LOCK TABLE ${table} IN SHARE ROW EXCLUSIVE MODE`);

test(`of ${CROWD} registrations of one username in upper and lower case at once, one is 201 and the others are 409`, async () => {
  const [name, rest] = [uniqueName("user-"), { email: "nurse@example.org", password: PASSWORD }];
  const register = (index: number) =>
    api.post("/api/auth/register/", { ...rest, username: anyCase(name, index) });
  const answers = await raceBehind(await lockTable("users"), CROWD, () => atOnce(CROWD, register));
  expect(tally(answers)).toEqual(oneOf(201, 409));
  expect(await asOwner`SELECT id FROM users WHERE lower(username) = ${name}`).toHaveLength(1);
});

test(`of ${CROWD} POSTs of a patient with one email at once, one is 201 and the others are 409`, async () => {
  const [nurse, patient] = [await newAccount(api), newPatient()];
  const answers = await raceBehind(await lockTable("patients"), CROWD, () =>
    atOnce(CROWD, () => nurse.post("/api/patients/", patient)),
  );
  expect(tally(answers)).toEqual(oneOf(201, 409));
});

test(`of ${CROWD} accounts that POST a doctor with one email at once, one gets 201 and the others 409`, async () => {
  const accounts = await atOnce(CROWD, () => newAccount(api));
  const doctor = newDoctor();
  const answers = await raceBehind(await lockTable("doctors"), CROWD, () =>
    Promise.all(accounts.map((account) => account.post("/api/doctors/", doctor))),
  );
  expect(tally(answers)).toEqual(oneOf(201, 409));
});

test(`of ${CROWD} patients that are given one email at once, one is 200 and the others are 409`, async () => {
  const nurse = await newAccount(api);
  const ids = await insertRecords("patients", nurse, CROWD);
  const { email } = newPatient();
  const change = (index: number) =>
    nurse.patch(`/api/patients/${ids[index]}/`, { email: anyCase(email, index) });
  const answers = await onceReleased("patients", nurse, () => atOnce(CROWD, change), CROWD);
  expect(tally(answers)).toEqual(oneOf(200, 409));
});

test(`of ${CROWD} assignments of one doctor to one patient at once, one is 201 and the others are 409`, async () => {
  const nurse = await newAccount(api);
  const ids = { patient: (await postPatient(nurse)).id, doctor: (await postDoctor(nurse)).id };
  const send = () => atOnce(CROWD, () => nurse.post("/api/mappings/", ids));
  expect(tally(await onceReleased("doctors", nurse, send, CROWD))).toEqual(oneOf(201, 409));
  expect((await nurse.get("/api/mappings/")).body).toHaveLength(1);
});

test("an import while a patient is given one of its emails is a write_conflict and imports nothing; sent again, it names the line", async () => {
  const nurse = await newAccount(api);
  const [{ id }, { email }] = [await postPatient(nurse), newPatient()];
  const file = [newPatient(), newPatient({ email })].map((record) => JSON.stringify(record)).join("\n");
  const change = await holdLock("UPDATE patients SET email = $1 WHERE id = $2", [email, id]);
  const refused = await raceBehind(change, 1, () => imported(nurse, file, NDJSON, "?partial=true"));
  expect([refused.status, refused.body.code]).toEqual([409, "write_conflict"]);
  expect((await nurse.get("/api/patients/")).body).toHaveLength(1);
  const { body } = await imported(nurse, file, NDJSON, "?partial=true");
  expect([body.created.length, body.refused[0].error_codes]).toEqual([1, { email: ["email_taken"] }]);
});
