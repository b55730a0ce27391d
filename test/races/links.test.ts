import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { holdLock } from "../support/held-lock.ts";
import { REASON } from "../support/ownership.ts";
import { atOnce, CROWD, connectWithoutLimits, lockRecords, raceBehind } from "../support/races.ts";
import { postDoctor, postPatient } from "../support/resources.ts";

const api = connectWithoutLimits();

test("a link of an account that waits for an assignment to the doctor names the assignment's patient", async () => {
  const [nurse, admin] = [await newAccount(api), await newAccount(api, "admin")];
  const [patient, doctor] = [await postPatient(nurse), await postDoctor(nurse)];
  // As POST /api/mappings/ does it.
  const assigning = await holdLock(
    `WITH doctor AS (SELECT id FROM doctors WHERE id = $1 FOR SHARE)
     INSERT INTO mappings (patient_id, owner_id, doctor_id) SELECT $2, $3, id FROM doctor`,
    [doctor.id, patient.id, nurse.id],
  );
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
