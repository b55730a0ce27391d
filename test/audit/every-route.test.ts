import { describe, expect, test } from "vitest";
import { routeRequests } from "../requests.ts";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { actorColumns, auditEventsOf } from "../support/audit-events.ts";
import { asOwner, owner } from "../support/owner.ts";
import { postPatient } from "../support/resources.ts";
import { type RouteRequest, type RouteSubject, sendRouteRequest } from "../support/route-requests.ts";

const api = connectApi();
const audited = routeRequests.filter((request) => request.recorded);
const guarded = audited.filter(({ access }) => access !== "open");
const createSubject = async ({ subject }: RouteRequest, account: TestAccount): Promise<RouteSubject> =>
  (await subject?.(account)) ?? {};

type ByRole = { clinician: TestAccount; admin: TestAccount };
const newAccounts = async (): Promise<ByRole> => ({
  clinician: await newAccount(api),
  admin: await newAccount(api, "admin"),
});
const inRoleOf = (accounts: ByRole, { as }: Pick<RouteRequest, "as">): TestAccount =>
  accounts[as ?? "clinician"];

/** They own subjects of requests that must change nothing. */
const owners = await newAccounts();
/** They own subjects too, and are disabled afterwards. */
const disabled = await newAccounts();
const subjectsOfDisabled = await Promise.all(
  guarded.map((request) => createSubject(request, inRoleOf(disabled, request))),
);
await asOwner`UPDATE users SET active = false WHERE id IN (${disabled.clinician.id}, ${disabled.admin.id})`;

describe.each(routeRequests)("$route", (request) => {
  test(
    request.recorded ? `writes one audit event, ${request.recorded}` : "writes no audit event",
    async () => {
      const account = await newAccount(api, request.as);
      const answer = await sendRouteRequest(account, request, await createSubject(request, account));
      const action = { action: request.recorded, outcome: "done", address: api.address };
      const actor = request.access === "open" ? {} : actorColumns(account, request.as);
      expect(await auditEventsOf(answer)).toEqual(
        request.recorded ? [expect.objectContaining({ ...action, ...actor })] : [],
      );
    },
  );

  test("writes no audit event when the database fails", async () => {
    const account = inRoleOf(owners, request);
    const subject = await createSubject(request, account);
    expect(
      await auditEventsOf(await sendRouteRequest(withFailingDatabase(account), request, subject)),
    ).toEqual([]);
  });
});

const failingApi = connectApi();
await failingApi.disturbDatabase({ fault: "error-500" });

/** The same account, with a database that fails its requests. */
const withFailingDatabase = (account: TestAccount): TestAccount => ({
  ...account,
  request: (method, path, body, options) =>
    failingApi.request(method, path, body, { token: account.token, ...options }),
});

test.each(guarded)("$route by another account is audited with its outcome", async (request) => {
  const subject = await createSubject(request, inRoleOf(owners, request));
  const other = await newAccount(api);
  const answer = await sendRouteRequest(other, request, subject);
  const outcomeOfStatus = answer.status < 400 ? "done" : outcomes[answer.status];
  const outcome = Object(request.access).outcome ?? outcomeOfStatus;
  expect(await auditEventsOf(answer)).toEqual([
    expect.objectContaining({ action: request.recorded, outcome, ...actorColumns(other) }),
  ]);
});
const outcomes: Record<number, string> = { 400: "not_found", 403: "refused", 404: "not_found" };

test.each(guarded.map((request, index) => ({ ...request, subject: subjectsOfDisabled[index] ?? {} })))(
  "$route with a revoked token is not done and audited as refused",
  async ({ subject, ...request }) => {
    const account = inRoleOf(disabled, request);
    expect(await auditEventsOf(await sendRouteRequest(account, request, subject))).toEqual([
      expect.objectContaining({
        action: request.recorded,
        outcome: "refused",
        ...actorColumns(account, request.as),
        changes: null,
      }),
    ]);
  },
);

test("a request whose audit event cannot be written is 500 and changes nothing", async () => {
  const nurse = owners.clinician;
  const { id } = await postPatient(nurse);
  const constraint = `ADD CONSTRAINT refused CHECK (account_id <> ${nurse.id}) NOT VALID`;
  await owner().query(`ALTER TABLE audit_events ${constraint}`);
  try {
    expect((await nurse.get(`/api/patients/${id}/`)).status).toBe(500);
    expect((await nurse.patch(`/api/patients/${id}/`, { age: 99 })).status).toBe(500);
  } finally {
    await owner().query("ALTER TABLE audit_events DROP CONSTRAINT refused");
  }
  expect((await nurse.get(`/api/patients/${id}/`)).body).toMatchObject({ age: 36 });
});
