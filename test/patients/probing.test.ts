import { beforeAll, expect, test } from "vitest";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import { assignedPair, insertAppointment } from "../support/appointments.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import { patientPath } from "../support/ownership.ts";
import { problem } from "../support/problems.ts";
import { postPatient } from "../support/resources.ts";

const UNKNOWN = 2_000_000_000;

/** Lets an account have asked for 100 unknown patients, in this hour and the next one: the hour may end during a test. */
const askForHundred = ({ id }: TestAccount) => asOwner`
  INSERT INTO probes (account_id, hour, not_found) SELECT ${id}::int, this_hour() + n, 100 FROM generate_series(0, 1) n`;

let owner: TestAccount;
let prober: TestAccount;
let own: { id: number };
let others: { id: number };
beforeAll(async () => {
  [owner, prober] = [await newAccount(), await newAccount()];
  [own, others] = [await postPatient(prober), await postPatient(owner)];
  await askForHundred(prober);
});

test("the 101st request for a patient that is not there for the account is 404, and audited once as probing", async () => {
  expect((await prober.get(patientPath(own))).status).toBe(200);
  const last = await prober.get(patientPath(others));
  expect(last).toEqual(problem(404));
  expect(await auditEventsOf(last)).toMatchObject([
    { action: "read", outcome: "not_found", patients: [others.id] },
    { action: "probing", outcome: "refused", account_id: prober.id },
  ]);
});

test("then every request of the account is 429 until the next full hour, without events, and others are not concerned", async () => {
  for (const path of [patientPath(own), patientPath({ id: UNKNOWN }), "/api/auth/me/", "/api/doctors/"]) {
    const refused = await prober.get(path);
    expect(refused).toEqual(problem(429));
    const seconds = Number(refused.headers.get("Retry-After"));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(3600);
    expect(await auditEventsOf(refused)).toEqual([]);
  }
  expect((await owner.get(patientPath(others))).status).toBe(200);
});

test("in the next hour the account is answered again", async () => {
  await asOwner`UPDATE probes SET hour = hour - 2 WHERE account_id = ${prober.id}`;
  await asOwner`UPDATE users SET probing_until = now() WHERE id = ${prober.id} AND probing_until > now()`;
  expect((await prober.get(patientPath(own))).status).toBe(200);
  expect(await prober.get(patientPath(others))).toEqual(problem(404));
});

test.each<[what: string, method: string, path: string, body?: object]>([
  ["reading an appointment", "GET", "/api/appointments/"],
  ["cancelling an appointment", "PATCH", "/api/appointments/", { status: "cancelled" }],
  ["changing the note of an appointment", "PATCH", "/api/appointments/", { note: "By phone" }],
  ["moving an appointment", "PATCH", "/api/appointments/", { starts_at: "2030-01-07T09:00:00Z" }],
  ["changing an assignment", "PATCH", "/api/mappings/", { role: "consulting" }],
  ["ending an assignment", "DELETE", "/api/mappings/"],
])(
  "%s counts in the same way with an unknown id as with one of another account",
  async (_, method, path, body) => {
    const { patient, doctor, assignment } = await assignedPair(owner);
    const existing = path === "/api/mappings/" ? assignment.id : await insertAppointment(patient, doctor);
    for (const id of [existing, UNKNOWN]) {
      const account = await newAccount();
      await askForHundred(account);
      expect(await account.request(method, `${path}${id}/`, body)).toEqual(problem(404));
      expect(await account.get("/api/auth/me/")).toEqual(problem(429));
    }
  },
);
