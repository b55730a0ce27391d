import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import type { ApiResponse } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { holdLock } from "../support/held-lock.ts";
import { REASON } from "../support/ownership.ts";
import { problem } from "../support/problems.ts";
import { atOnce, CROWD, connectWithoutLimits, lockRecords, raceBehind } from "../support/races.ts";
import { postDoctor, postPatient } from "../support/resources.ts";

const api = connectWithoutLimits();

/** As POST /api/mappings/ assigns a patient. */
const ASSIGN = `
  WITH doctor AS (SELECT id FROM doctors WHERE id = $1 FOR SHARE)
  INSERT INTO mappings (patient_id, owner_id, doctor_id) SELECT $2, $3, id FROM doctor`;
const LINK = "UPDATE users SET doctor_id = $1 WHERE id = $2";

test("a link of an account that waits for an assignment to the doctor names the assignment's patient", async () => {
  const [nurse, admin] = [await newAccount(api), await newAccount(api, "admin")];
  const [patient, doctor] = [await postPatient(nurse), await postDoctor(nurse)];
  const assigning = await holdLock(ASSIGN, [doctor.id, patient.id, nurse.id]);
  const account = await newAccount(api);
  const answer = await raceBehind(assigning, 1, () =>
    admin.patch(`/api/accounts/${account.id}/`, { doctor: doctor.id, reason: REASON }),
  );
  expect(answer).toMatchObject({ status: 200, body: { doctor: doctor.id } });
  expect(await auditEventsOf(answer)).toMatchObject([{ outcome: "done", patients: [patient.id] }]);
});

test("links, assignments and changes of a doctor at once succeed: none is a deadlock", async () => {
  const [nurse, admin] = [await newAccount(api), await newAccount(api, "admin")];
  const doctor = await postDoctor(nurse);
  const patients = await atOnce(CROWD, () => postPatient(nurse));
  const accounts = await atOnce(CROWD, () => newAccount(api));
  const lock = await lockRecords("doctors", nurse);
  const answers = await raceBehind(lock, CROWD, () =>
    atOnce(CROWD, (index) => {
      if (index % 3 === 0)
        return admin.patch(`/api/accounts/${accounts[index]?.id}/`, { doctor: doctor.id, reason: REASON });
      if (index % 3 === 1)
        return nurse.post("/api/mappings/", { patient: patients[index]?.id, doctor: doctor.id });
      return nurse.patch(`/api/doctors/${doctor.id}/`, { max_appointments_per_day: index });
    }),
  );
  expect(answers.map(({ status }) => status)).toEqual(
    Array.from({ length: CROWD }, (_, index) => (index % 3 === 1 ? 201 : 200)),
  );
});

test("a change and a deletion of a doctor that wait for a link or for another account's assignment are 403 for the creator", async () => {
  const [creator, nurse] = [await newAccount(api), await newAccount(api)];
  const changes: ((path: string) => Promise<ApiResponse>)[] = [
    (path) => creator.patch(path, { lastname: "Cuddy" }),
    (path) => creator.delete(path),
  ];
  for (const change of changes)
    for (const [statement, ...params] of [
      [LINK, nurse.id],
      [ASSIGN, (await postPatient(nurse)).id, nurse.id],
    ] as const) {
      const doctor = await postDoctor(creator);
      const relying = await holdLock(statement, [doctor.id, ...params]);
      const answer = await raceBehind(relying, 1, () => change(`/api/doctors/${doctor.id}/`));
      expect(answer).toEqual(problem(403));
      expect((await creator.get(`/api/doctors/${doctor.id}/`)).body).toMatchObject({ lastname: "House" });
    }
});

test("a deletion of a doctor by an admin that waits for a link is audited with the account that it unlinks", async () => {
  const [nurse, admin] = [await newAccount(api), await newAccount(api, "admin")];
  const doctor = await postDoctor(nurse);
  const linking = await holdLock(LINK, [doctor.id, nurse.id]);
  const answer = await raceBehind(linking, 1, () => admin.delete(`/api/doctors/${doctor.id}/`));
  expect(answer.status).toBe(204);
  expect((await auditEventsOf(answer)).map(({ subject_id }) => subject_id).sort()).toEqual([nurse.id, null]);
});
