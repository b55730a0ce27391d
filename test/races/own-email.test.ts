import { expect, test } from "vitest";
import { newAccount, PASSWORD, setPassword, type TestAccount } from "../support/accounts.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import { problem } from "../support/problems.ts";
import { raceBehind } from "../support/races.ts";

const changeEmail = (account: TestAccount, email: string) =>
  account.patch("/api/auth/me/", { email, password: PASSWORD });
async function newAccountWithPassword(): Promise<TestAccount> {
  const account = await newAccount();
  await setPassword(account.id, PASSWORD);
  return account;
}
const emailOf = async ({ id }: TestAccount) =>
  (await asOwner`SELECT email FROM users WHERE id = ${id}`)[0]?.["email"];

test.each([
  ["disabled", "UPDATE users SET active = false WHERE id = $1"],
  ["disabled and enabled again", "UPDATE users SET token_version = token_version + 1 WHERE id = $1"],
  ["given another password", "UPDATE users SET password_version = password_version + 1 WHERE id = $1"],
])("PATCH me of an account that is %s while it waits is 401 and changes nothing", async (_, update) => {
  const account = await newAccountWithPassword();
  const [answer] = await raceBehind(await holdLock(update, [account.id]), 1, () =>
    Promise.all([changeEmail(account, "moved@example.org")]),
  );
  expect(answer).toEqual(problem(401, "The access token has been revoked."));
  expect(await auditEventsOf(answer)).toMatchObject([
    { action: "update_account", outcome: "refused", changes: null },
  ]);
  expect(await emailOf(account)).toBe(`${account.username}@example.org`);
});

test("of two PATCH me at once both are 200, and the audit event of the second begins with the email of the first", async () => {
  const account = await newAccountWithPassword();
  const lock = await holdLock("SELECT FROM users WHERE id = $1 FOR UPDATE", [account.id]);
  const emails = ["one@example.org", "two@example.org"];
  const answers = await raceBehind(lock, 2, () =>
    Promise.all(emails.map((email) => changeEmail(account, email))),
  );
  expect(answers.map(({ status, body }) => [status, body.email])).toEqual(
    emails.map((email) => [200, email]),
  );
  const changes = (await Promise.all(answers.map(auditEventsOf))).map(([event]) => event?.["changes"].email);
  const last = await emailOf(account);
  const [first] = emails.filter((email) => email !== last);
  expect(changes).toContainEqual({ before: `${account.username}@example.org`, after: first });
  expect(changes).toContainEqual({ before: first, after: last });
});
