import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { owner } from "../support/owner.ts";
import { problem } from "../support/problems.ts";
import { createPatient } from "../support/records.ts";

test("who waits too long for what another transaction holds is told so in time, and nothing was done", async () => {
  const nurse = await newAccount();
  const patient = await createPatient(nurse);
  const path = `/api/patients/${patient.id}/`;
  const sql = owner();
  const held = sql.transaction([
    sql`SELECT FROM patients WHERE id = ${patient.id} FOR UPDATE`,
    sql`SELECT pg_sleep(7)`,
  ]);
  await scheduler.wait(100);
  await nurse.api.databaseRequests();
  const start = performance.now();
  const answer = await nurse.patch(path, { age: 99 });
  expect(performance.now() - start).toBeLessThan(6000);
  expect(answer).toEqual(problem(503, expect.stringMatching(/Nothing was done; try again\.$/)));
  expect(answer.headers.get("Retry-After")).toBe("5");
  expect(await nurse.api.databaseRequests()).toBe(1);
  await held;
  expect((await nurse.get(path)).body).toEqual(patient);
  expect((await nurse.patch(path, { age: 99 })).status).toBe(200);
}, 20_000);
