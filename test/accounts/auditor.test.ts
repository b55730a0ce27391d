import { expect, test } from "vitest";
import { routeRequests } from "../requests.ts";
import { logIn, newAccount, PASSWORD, signUp, uniqueName } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import { linkDoctor, postTransfer, REASON } from "../support/ownership.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { assignDoctor, postPatient } from "../support/resources.ts";
import { type RouteRequest, sendRouteRequest } from "../support/route-requests.ts";

const [admin, auditor] = [await newAccount(undefined, "admin"), await newAccount(undefined, "auditor")];
const forbidden = problem(403, "An auditor may read the audit log and accounts, and nothing else.");

const isAllowed = ({ route }: RouteRequest) =>
  /^GET \/api\/(audit(\/digests)?|accounts(\/:id)?)$/.test(route) || !/ \/api\/(?!auth\/)/.test(route);
const refused = routeRequests.filter((request) => !isAllowed(request));

test.each(refused)(
  "$route by an auditor is 403, changes nothing, and is audited as refused",
  async (request) => {
    const owner = await newAccount(undefined, request.as);
    const subject = (await request.subject?.(owner)) ?? {};
    const answer = await sendRouteRequest(auditor, request, subject);
    expect(answer).toEqual(forbidden);
    expect(await auditEventsOf(answer)).toEqual(
      request.recorded
        ? [
            expect.objectContaining({
              ...{ action: request.recorded, account_id: auditor.id, role: "auditor", outcome: "refused" },
              changes: null,
            }),
          ]
        : [],
    );
  },
);

test("an auditor reads accounts and the audit log, and both are audited as done", async () => {
  const { id } = await postPatient(await newAccount());
  const answers = [
    await auditor.get(`/api/audit/?patient=${id}`),
    await auditor.get("/api/accounts/?role=auditor&limit=200"),
    await auditor.get(`/api/accounts/${admin.id}/`),
    await auditor.get("/api/audit/digests/"),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(answers[0]?.body).toMatchObject([{ action: "create", patients: [id] }]);
  expect(answers[0]?.body[0]).not.toHaveProperty("changes");
  expect(answers[2]?.body).toMatchObject({ id: admin.id, role: "admin" });
  for (const answer of answers)
    expect(await auditEventsOf(answer)).toMatchObject([{ outcome: "done", role: "auditor" }]);
});

test("an account that an admin makes an auditor reads no own patient and no patient of its doctor any more", async () => {
  const account = await signUp();
  const own = await postPatient(account as never);
  const { doctor, patient } = await assignDoctor(await newAccount());
  await linkDoctor(account as never, { id: doctor });
  expect((await admin.patch(`/api/accounts/${account.id}/`, { role: "auditor" })).status).toBe(200);
  expect(await account.get("/api/auth/me/")).toEqual(problem(401));
  const { access, refresh } = await logIn(account.api, account.username);
  const next = (await account.api.post("/api/auth/refresh/", { refresh })).body;
  for (const token of [access, next.access]) {
    expect((await account.api.get("/api/auth/me/", { token })).body).toMatchObject({ role: "auditor" });
    for (const id of [own.id, patient])
      expect(await account.api.get(`/api/patients/${id}/`, { token })).toEqual(forbidden);
    expect((await account.api.get("/api/audit/?limit=1", { token })).status).toBe(200);
  }
});

test("an auditor who becomes a clinician or is disabled is 401 at once, in the audit log too", async () => {
  for (const change of [{ role: "clinician" }, { active: false }]) {
    const account = await newAccount(undefined, "auditor");
    await admin.patch(`/api/accounts/${account.id}/`, change);
    expect(await account.get("/api/audit/")).toEqual(problem(401));
    expect(await account.get("/api/accounts/")).toEqual(problem(401));
  }
});

test("a token that does not say that its account is an auditor is refused all the same, with 401", async () => {
  const account = await newAccount();
  await asOwner`UPDATE users SET role = 'auditor' WHERE id = ${account.id}`;
  expect(await account.get("/api/patients/")).toEqual(problem(401));
  expect((await account.get("/api/audit/?limit=1")).status).toBe(200);
});

test("patients cannot be transferred to an auditor", async () => {
  const owner = await newAccount();
  const patient = await postPatient(owner);
  expect(await postTransfer(admin, patient, auditor)).toEqual(fieldProblem("to"));
  const body = { from: owner.id, to: auditor.id, reason: REASON };
  expect(await admin.post("/api/patients/transfer/", body)).toEqual(fieldProblem("to"));
});

test("an admin can invite an auditor", async () => {
  const api = connectApi({ REGISTRATION: "invitation" });
  const invited = await admin.post("/api/invitations/", { email: "grace@example.org", role: "auditor" });
  const username = uniqueName("auditor-");
  const { body } = await api.post("/api/auth/register/", {
    ...{ username, email: "grace@example.org", password: PASSWORD, invitation: invited.body.code },
  });
  expect((await admin.get(`/api/accounts/${body.id}/`)).body).toMatchObject({ role: "auditor" });
});
