import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { holdLock } from "../support/held-lock.ts";
import { owner } from "../support/owner.ts";
import { problem } from "../support/problems.ts";
import { postPatient } from "../support/resources.ts";
import { workerDatabase } from "../support/worker-database.ts";

const { databaseUrl } = workerDatabase;

/** The API with a lock_timeout of its own, so that a test need not wait for the role's. */
function connectImpatientApi() {
  const url = new URL(databaseUrl);
  url.searchParams.set("options", "-c lock_timeout=100ms");
  return connectApi({ DATABASE_URL: url.href });
}

test("a request that waits too long for a row lock gets 503 and changes nothing", async () => {
  const nurse = await newAccount(connectImpatientApi());
  const patient = await postPatient(nurse);
  const path = `/api/patients/${patient.id}/`;
  await nurse.api.databaseRequests();
  const lock = await holdLock("SELECT FROM patients WHERE id = $1 FOR UPDATE", [patient.id]);
  const answer = await nurse.patch(path, { age: 99 }).finally(lock.release);
  expect(answer).toEqual(problem(503, expect.stringMatching(/Nothing was changed; try again\.$/)));
  expect(answer.headers.get("Retry-After")).toBe("5");
  expect(await nurse.api.databaseRequests()).toBe(1);
  expect((await nurse.get(path)).body).toEqual(patient);
  expect((await nurse.patch(path, { age: 99 })).status).toBe(200);
});

test("the role's lock_timeout ends before an attempt of the API does", async () => {
  // Two attempts share the 10 s that DATABASE_TIMEOUT_MS is by default: 45 % for each.
  const [role] = await owner(databaseUrl)`
    SELECT setting::int AS milliseconds FROM pg_settings WHERE name = 'lock_timeout'`;
  expect(role?.["milliseconds"]).toBeGreaterThan(0);
  expect(role?.["milliseconds"]).toBeLessThan(4500);
});
