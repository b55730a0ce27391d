import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { addMember, endMembership, newClinic, newMember } from "../support/clinics.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import { REASON } from "../support/ownership.ts";
import { fieldProblem } from "../support/problems.ts";
import { atOnce, connectWithoutLimits, lockRecords, raceBehind } from "../support/races.ts";
import { postPatient } from "../support/resources.ts";

const api = connectWithoutLimits();

async function twoClinics() {
  const [one, two] = [await newClinic(), await newClinic()];
  const manager = await newMember(api, one, "manager");
  await addMember(two, manager, "manager");
  await addMember(two, await newAccount(api), "manager"); // so that the other one can leave
  return { one, two, manager, patient: await postPatient(manager) };
}
const ownerOf = async ({ id }: { id: number }) =>
  (await asOwner`SELECT owner_id FROM patients WHERE id = ${id}`)[0]?.["owner_id"];

test("a transfer whose manager leaves the receiving clinic while it waits for the patient is 403 and changes nothing", async () => {
  const { one, two, manager, patient } = await twoClinics();
  const lock = await lockRecords("patients", manager);
  const sent = manager.post(`/api/patients/${patient.id}/transfer/`, { to: { clinic: two } });
  await lock.waiters(1);
  await endMembership(two, manager);
  await lock.release();
  const answer = await sent;
  expect(answer.status).toBe(403);
  expect(await auditEventsOf(answer)).toMatchObject([
    { action: "transfer", outcome: "refused", changes: null },
  ]);
  expect(await ownerOf(patient)).toBe(one);
});

test.each(["from", "patients"])(
  "a transfer of many patients by %s that waits while its manager leaves a clinic is 403 and changes nothing",
  async (source) => {
    const { one, two, manager, patient } = await twoClinics();
    const lock = await holdLock(
      "UPDATE memberships SET ended_at = now() WHERE clinic_id = $1 AND account_id = $2",
      [two, manager.id],
    );
    const body = { [source]: source === "from" ? { clinic: one } : [patient.id], to: { clinic: two } };
    const answer = await raceBehind(lock, 1, () => manager.post("/api/patients/transfer/", body));
    expect([answer.status, await ownerOf(patient)]).toEqual([403, one]);
  },
);

test("a transfer that waits while the receiving clinic is deleted is 400 on to", async () => {
  const { one, patient } = await twoClinics();
  const [admin, clinic] = [await newAccount(api, "admin"), await newClinic()];
  const lock = await holdLock("DELETE FROM clinics WHERE id = $1", [clinic]);
  const send = () => admin.post(`/api/patients/${patient.id}/transfer/`, { to: { clinic }, reason: REASON });
  expect(await raceBehind(lock, 1, send)).toEqual(fieldProblem("to"));
  expect(await ownerOf(patient)).toBe(one);
});

test("transfers of the same patients back and forth at once leave each patient in one clinic", async () => {
  const { one, two, manager } = await twoClinics();
  const patients = await atOnce(6, () => postPatient(manager));
  const ids = patients.map(({ id }) => id);
  const lock = await lockRecords("patients", manager);
  const answers = await raceBehind(lock, 2, () =>
    atOnce(12, (index) => {
      const [from, to] = index % 2 ? [one, two] : [two, one];
      const source = index % 3 ? { from: { clinic: from } } : { patients: ids.toReversed() };
      return manager.post("/api/patients/transfer/", { ...source, to: { clinic: to } });
    }),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  const owners =
    await asOwner`SELECT DISTINCT owner_id IN (${one}::int, ${two}::int) AS known FROM patients WHERE id = ANY (${ids}::int[])`;
  expect(owners).toEqual([{ known: true }]);
});
