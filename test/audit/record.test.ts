import { describe, expect, test } from "vitest";
import { requests } from "../requests.ts";
import { type Account, newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { asOwner, owner } from "../support/owner.ts";
import { recordOf, whoIs } from "../support/record.ts";
import { createPatient } from "../support/records.ts";
import { type RouteRequest, type Subject, send } from "../support/route-requests.ts";

const api = connectApi();
const nurse = await newAccount(api);
const recorded = requests.filter((request) => request.recorded);
const guarded = recorded.filter(({ access }) => access !== "open");
const about = async ({ subject }: RouteRequest, account: Account): Promise<Subject> =>
  (await subject?.(account)) ?? {};

describe.each(requests)("$route", (request) => {
  test(`is on record ${request.recorded ? `once, as ${request.recorded}` : "nowhere"}`, async () => {
    const account = await newAccount(api, request.as);
    const answer = await send(account, request, await about(request, account));
    const action = { action: request.recorded, outcome: "done", address: api.address };
    const who = request.access === "open" ? {} : whoIs(account, request.as);
    expect(await recordOf(answer)).toEqual(
      request.recorded ? [expect.objectContaining({ ...action, ...who })] : [],
    );
  });

  test("is not on record when the database fails", async () => {
    const account = await newAccount(undefined, request.as);
    const sent = await about(request, account);
    await account.api.disturbDatabase({ fault: "error-500" });
    expect(await recordOf(await send(account, request, sent))).toEqual([]);
  });
});

test.each(guarded)("$route of another account is on record as what came of it", async (request) => {
  const sent = await about(request, await newAccount(api, request.as));
  const other = await newAccount(api);
  const answer = await send(other, request, sent);
  const done = answer.status < 400 ? "done" : outcomes[answer.status];
  const outcome = Object(request.access).outcome ?? done;
  expect(await recordOf(answer)).toEqual([
    expect.objectContaining({ action: request.recorded, outcome, ...whoIs(other) }),
  ]);
});
const outcomes: Record<number, string> = { 400: "not_found", 403: "refused", 404: "not_found" };

test.each(guarded)("$route by a revoked token is not done, and on record as refused", async (request) => {
  const account = await newAccount(api, request.as);
  const sent = await about(request, account);
  await asOwner`UPDATE users SET active = false WHERE id = ${account.id}`;
  expect(await recordOf(await send(account, request, sent))).toEqual([
    expect.objectContaining({
      action: request.recorded,
      outcome: "refused",
      ...whoIs(account, request.as),
      changes: null,
    }),
  ]);
});

test("nothing is done that cannot be put on record", async () => {
  const { id } = await createPatient(nurse);
  const refuse = `ADD CONSTRAINT refused CHECK (account_id <> ${nurse.id}) NOT VALID`;
  await owner().query(`ALTER TABLE audit_events ${refuse}`);
  try {
    expect((await nurse.get(`/api/patients/${id}/`)).status).toBe(500);
    expect((await nurse.patch(`/api/patients/${id}/`, { age: 99 })).status).toBe(500);
  } finally {
    await owner().query(`ALTER TABLE audit_events DROP CONSTRAINT refused`);
  }
  expect((await nurse.get(`/api/patients/${id}/`)).body).toMatchObject({ age: 36 });
});
