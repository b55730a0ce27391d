import { expect, test } from "vitest";
import { newAccount, newRefreshToken, signUp } from "../support/accounts.ts";
import { asOwner } from "../support/owner.ts";
import { idsOf, pagesFrom } from "../support/pages.ts";
import { moment, problem, refusal } from "../support/problems.ts";
import { recordOf, whoIs } from "../support/record.ts";
import { createDoctor } from "../support/records.ts";

const admin = await newAccount(undefined, "admin");
const one = ({ id }: { id: number }) => `/api/accounts/${id}/`;
const change = (account: { id: number }, changes: object) => admin.patch(one(account), changes);
const works = async ({ get }: Pick<typeof admin, "get">) => (await get("/api/auth/me/")).status;

test("an admin sees an account and nothing of its password", async () => {
  const account = await newAccount();
  const { id, username } = account;
  const shown = {
    id,
    username,
    email: `${username}@example.org`,
    role: "clinician",
    active: true,
    doctor: null,
  };
  expect((await admin.get(one(account))).body).toEqual({ ...shown, created_at: moment });
});

test("the list has all accounts, by role, whether they are active, and the beginning of name or email in any case", async () => {
  const [one, other] = [await newAccount(), await newAccount(undefined, "admin")];
  await asOwner`UPDATE users SET active = false, email = 'Florence.N@example.org' WHERE id = ${one.id}`;
  const found = async (query: string) => {
    const ids: number[] = [];
    for await (const page of pagesFrom(admin, `/api/accounts/?limit=200&${query}`)) ids.push(...idsOf(page));
    return [one, other].map(({ id }) => ids.includes(id));
  };
  expect(await found("sort=-id")).toEqual([true, true]);
  expect(await found("role=admin")).toEqual([false, true]);
  expect(await found("active=false")).toEqual([true, false]);
  expect(await found("search=florence.n@EX")).toEqual([true, false]);
  expect(await found(`search=${other.username.toUpperCase()}`)).toEqual([false, true]);
  expect(await found(`search=${other.username.slice(1)}`)).toEqual([false, false]);
  expect(await admin.get("/api/accounts/?rol=admin")).toEqual(refusal("rol"));
});

test("one that is disabled is out at once, and enabling it brings back the account and not its sessions", async () => {
  const account = await signUp();
  const refresh = await newRefreshToken(account);
  const disabled = await change(account, { active: false });
  expect(disabled.body).toMatchObject({ id: account.id, active: false });
  expect(await recordOf(disabled)).toMatchObject([
    { ...whoIs(admin, "admin"), subject_id: account.id, changes: { active: { before: true, after: false } } },
  ]);
  expect(await works(account)).toBe(401);
  expect((await change(account, { active: true })).body).toMatchObject({ active: true });
  expect(await works(account)).toBe(401);
  for (const token of [refresh, account.refresh])
    expect((await account.api.post("/api/auth/refresh/", { refresh: token })).status).toBe(401);
});

test("another role ends the sessions and counts from the next login on; the same role and another doctor change nothing of them", async () => {
  const account = await newAccount();
  const doctor = await createDoctor(admin);
  const same = await change(account, { role: "clinician", active: true, doctor: doctor.id });
  expect(same.body).toMatchObject({ doctor: doctor.id });
  expect(await recordOf(same)).toMatchObject([{ changes: { doctor: { before: null, after: doctor.id } } }]);
  expect(await works(account)).toBe(200);
  expect((await change(account, {})).body).toEqual(same.body);
  expect((await change(account, { doctor: null })).body).toMatchObject({ doctor: null });
  expect((await change(account, { role: "admin" })).body).toMatchObject({ role: "admin" });
  expect(await works(account)).toBe(401);
});

test("what an admin does not set is read-only, what is not valid is named, and so is a doctor who is not there", async () => {
  const account = await newAccount();
  const { body } = await admin.get(one(account));
  expect((await change(account, body)).body).toEqual(body);
  expect(await change(account, { role: "owner", active: "yes", doctor: 0, password: "x" })).toEqual(
    refusal("role", "active", "doctor", "password"),
  );
  expect(await change(account, { doctor: 2_147_483_647 })).toEqual(refusal("doctor"));
  expect((await admin.get(one(account))).body).toEqual(body);
});

test("an admin ends all sessions of an account, which may log in again", async () => {
  const account = await signUp();
  const answer = await admin.delete(`${one(account)}sessions/`);
  expect(answer).toMatchObject({ status: 204, body: "" });
  expect(await recordOf(answer)).toMatchObject([{ action: "sign_out", subject_id: account.id }]);
  expect(await works(account)).toBe(401);
  expect((await account.api.post("/api/auth/refresh/", { refresh: account.refresh })).status).toBe(401);
});

test("to others the accounts are 403, whether there is such a one or not, and on record as refused", async () => {
  const account = await newAccount();
  const denied = problem(403, "Only an admin may see or change accounts.");
  for (const id of [account.id, admin.id, 2_147_483_647]) {
    const answers = [
      await account.get(one({ id })),
      await account.patch(one({ id }), { active: false }),
      await account.delete(`${one({ id })}sessions/`),
    ];
    for (const answer of answers) {
      expect(answer).toEqual(denied);
      expect(await recordOf(answer)).toMatchObject([{ outcome: "refused", subject_id: id, changes: null }]);
    }
  }
  expect(await account.get("/api/accounts/")).toEqual(denied);
  expect(await works(admin)).toBe(200);
});
