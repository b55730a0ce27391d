import { expect, test } from "vitest";
import { moveSpentTime, newAccount, PASSWORD, signUp } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { addMember, endMembership, newClinic } from "../support/clinics.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { atOnce } from "../support/races.ts";
import { postPatient } from "../support/resources.ts";

const api = connectApi();
const clinic = await newClinic();
const path = "/api/auth/clinic/";

/** A member of the clinic, whose session works in its personal clinic. */
async function newSession() {
  const account = await signUp(api);
  await addMember(clinic, account, "clerk");
  return account;
}
const refreshed = (refresh: string) => api.post("/api/auth/refresh/", { refresh });

test("a move answers tokens for the clinic, refuses the access tokens from before, and is audited", async () => {
  const account = await newSession();
  const moved = await account.post(path, { clinic, refresh: account.refresh });
  expect([moved.status, moved.body.clinic]).toEqual([200, clinic]);
  expect(await account.get("/api/patients/")).toMatchObject({
    status: 401,
    body: { code: "clinic_changed" },
  });
  expect((await api.get("/api/auth/me/", { token: moved.body.access })).body.clinic).toMatchObject({
    ...{ id: clinic, role: "clerk" },
  });
  expect(await auditEventsOf(moved)).toMatchObject([
    {
      ...{ action: "move_session", outcome: "done" },
      changes: { clinic: { before: account.id, after: clinic } },
    },
  ]);
  expect((await refreshed(moved.body.refresh)).body.clinic).toBe(clinic);
});

test("a refresh with the token that was sent answers the same new one, in its grace period", async () => {
  const account = await newSession();
  const moved = await account.post(path, { clinic, refresh: account.refresh });
  const repeated = await refreshed(account.refresh);
  expect([repeated.status, repeated.body.refresh]).toEqual([200, moved.body.refresh]);
  expect(repeated.body.clinic).toBe(clinic);
});

test("without a refresh token the ones from before are used up, and one of them is exchanged once more in its grace period", async () => {
  const account = await newSession();
  const moved = await account.post(path, { clinic });
  const late = await refreshed(account.refresh);
  expect([late.status, late.body.clinic]).toEqual([200, clinic]);
  expect((await refreshed(moved.body.refresh)).status).toBe(200);
  await asOwner`UPDATE refresh_tokens SET spent_at = now() - interval '31 seconds' WHERE spent_at IS NOT NULL
    AND session_id IN (SELECT id FROM sessions WHERE user_id = ${account.id})`;
  expect((await refreshed(account.refresh)).status).toBe(401);
});

test("of the refresh tokens before and after a move without one, the first that is used is the one that goes on", async () => {
  const account = await newSession();
  const moved = await account.post(path, { clinic });
  const late = await refreshed(account.refresh);
  await moveSpentTime(moved.body.refresh, 31);
  expect((await refreshed(moved.body.refresh)).status).toBe(401);
  expect((await refreshed(late.body.refresh)).status).toBe(401);
});

test.each<
  [what: string, body: (account: Awaited<ReturnType<typeof newSession>>) => Promise<object>, refusal: object]
>([
  ["an unknown clinic", async () => ({ clinic: 2_147_483_647 }), problem(404)],
  ["a clinic of others", async () => ({ clinic: await newClinic() }), problem(404)],
  ["another account's personal clinic", async () => ({ clinic: (await newAccount(api)).id }), problem(404)],
  [
    "a clinic whose membership has ended",
    async (account) => {
      await endMembership(clinic, account);
      return { clinic };
    },
    problem(404),
  ],
  [
    "a clinic that is not active",
    async (account) => {
      const closed = await newClinic();
      await addMember(closed, account, "manager");
      await asOwner`UPDATE clinics SET active = false WHERE id = ${closed}`;
      return { clinic: closed };
    },
    problem(404),
  ],
  [
    "a clinic whose interim manager the account is",
    async (account) => {
      const created = await newClinic();
      await addMember(created, account, "manager");
      await asOwner`UPDATE memberships SET is_interim = true WHERE clinic_id = ${created}`;
      return { clinic: created };
    },
    problem(404),
  ],
  [
    "another session's refresh token",
    async () => ({ clinic, refresh: (await signUp(api)).refresh }),
    fieldProblem("refresh"),
  ],
  ["an unknown refresh token", async () => ({ clinic, refresh: "x".repeat(43) }), fieldProblem("refresh")],
])("a move with %s is refused, and the session stays where it is", async (_, body, refusal) => {
  const account = await newSession();
  expect(await account.post(path, await body(account))).toEqual(refusal);
  expect((await account.get("/api/auth/me/")).body.clinic.id).toBe(account.id);
  expect((await refreshed(account.refresh)).status).toBe(200);
});

test("an auditor cannot move", async () => {
  const auditor = await newAccount(api, "auditor");
  expect(await auditor.post(path, { clinic: auditor.id })).toEqual(problem(403));
});

test("two sessions that move crosswise at once, and again, do not deadlock", async () => {
  const { id, username } = await newSession();
  const sessions = await atOnce(6, async () => {
    const { body } = await api.post("/api/auth/login/", { username, password: PASSWORD, clinic: id });
    return body.access as string;
  });
  const answers = await Promise.all(
    sessions.map((token, index) => api.post(path, { clinic: index % 2 ? clinic : id }, { token })),
  );
  expect(answers.map(({ status }) => status)).toEqual(sessions.map(() => 200));
});

test("a write of the old clinic that waits for a lock while the session moves is 401 and changes nothing", async () => {
  const account = await newAccount(api);
  await addMember(clinic, account, "clerk");
  const patient = await postPatient(account);
  const lock = await holdLock("SELECT FROM patients WHERE id = $1 FOR UPDATE", [patient.id]);
  const change = account.patch(`/api/patients/${patient.id}/`, { age: 99 });
  await lock.waiters(1);
  expect((await account.post(path, { clinic })).status).toBe(200);
  await lock.release();
  expect((await change).status).toBe(401);
  expect(await asOwner`SELECT age FROM patients WHERE id = ${patient.id}`).toEqual([{ age: patient.age }]);
});
