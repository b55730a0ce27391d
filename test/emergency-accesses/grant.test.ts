import { describe, expect, test } from "vitest";
import { newAccount, withNewToken } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import { patientPath, patientsOf, postEmergencyAccess } from "../support/ownership.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { assignDoctor, postPatient } from "../support/resources.ts";

const api = connectApi();
const [nurse, admin] = [await newAccount(api), await newAccount(api, "admin")];

describe("emergency access of an admin", () => {
  test("lets the admin read another account's patient and its doctors for an hour, and not change it", async () => {
    const { patient: id, doctor } = await assignDoctor(nurse);
    const [reader, other] = [await newAccount(api, "admin"), await newAccount(api, "admin")];
    expect(await reader.get(patientPath({ id }))).toEqual(problem(404));
    const answer = await postEmergencyAccess(reader, { id });
    expect(answer).toMatchObject({ status: 201, body: { patient: id, reason: "Nobody else is here." } });
    const [event] = await asOwner`
      SELECT at + interval '1 hour' AS expires_at FROM audit_events
      WHERE action = 'break_glass' AND account_id = ${reader.id}`;
    expect(new Date(answer.body.expires_at)).toEqual(new Date(event?.["expires_at"]));
    expect(await auditEventsOf(answer)).toMatchObject([
      { action: "break_glass", outcome: "done", patients: [id], reason: "Nobody else is here." },
    ]);
    expect((await reader.get(patientPath({ id }))).body).toMatchObject({ id });
    expect((await reader.get(`/api/mappings/${id}/`)).body.doctors).toMatchObject([{ id: doctor }]);
    const forbidden = problem(403, "Only the patient's owner may change or delete it.");
    expect(await reader.patch(patientPath({ id }), { age: 1 })).toEqual(forbidden);
    expect(await reader.delete(patientPath({ id }))).toEqual(forbidden);
    expect(await patientsOf(reader)).toEqual([]);
    expect(await other.get(patientPath({ id }))).toEqual(problem(404));
    await asOwner`UPDATE emergency_accesses SET expires_at = now() WHERE account_id = ${reader.id}`;
    expect(await reader.get(patientPath({ id }))).toEqual(problem(404));
    expect((await postEmergencyAccess(reader, { id })).status).toBe(201);
    await asOwner`UPDATE users SET role = 'clinician' WHERE id = ${reader.id}`;
    expect(await reader.get(patientPath({ id }))).toEqual(problem(404));
  });

  test.each([{ role: "clinician" }, { active: false }])(
    "ends when the account is changed to %j, also when it becomes an active admin again",
    async (change) => {
      const patient = await postPatient(nurse);
      const reader = await newAccount(api, "admin");
      const [other] = [await newAccount(api, "admin"), await postEmergencyAccess(reader, patient)];
      await postEmergencyAccess(other, patient);
      await admin.patch(`/api/accounts/${reader.id}/`, change);
      await admin.patch(`/api/accounts/${reader.id}/`, { role: "admin", active: true });
      const again = await withNewToken(reader);
      expect(await again.get(patientPath(patient))).toEqual(problem(404));
      expect((await other.get(patientPath(patient))).status).toBe(200);
      expect((await postEmergencyAccess(again, patient)).status).toBe(201);
    },
  );

  test("is 400 without a reason, 403 for a clinician, and 404 for a deleted patient", async () => {
    const patient = await postPatient(nurse);
    for (const reason of ["", "  ", " ".repeat(12), "too short", "x".repeat(501), 7, null])
      expect(await postEmergencyAccess(admin, patient, reason)).toEqual(fieldProblem("reason"));
    const refused = await postEmergencyAccess(await newAccount(api), patient);
    expect(refused).toEqual(problem(403));
    expect(await auditEventsOf(refused)).toMatchObject([{ action: "break_glass", outcome: "refused" }]);
    await nurse.delete(patientPath(patient));
    expect(await postEmergencyAccess(admin, patient)).toEqual(problem(404));
  });
});
