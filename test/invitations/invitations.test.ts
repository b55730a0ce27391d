import { expect, test } from "vitest";
import { newAccount, PASSWORD, unique } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { idsOf } from "../support/pages.ts";
import { problem, refusal } from "../support/problems.ts";
import { atOnce, CROWD, tally } from "../support/races.ts";
import { recordOf } from "../support/record.ts";
import { invite } from "./requests.ts";

const admin = await newAccount(undefined, "admin");
const api = connectApi({ REGISTRATION: "invitation" });
const register = (fields: object, of = api) =>
  of.post("/api/auth/register/", {
    ...{ username: unique("new-"), email: "grace@example.org", password: PASSWORD },
    ...fields,
  });
const roleOf = async (id: number) => (await asOwner`SELECT role FROM users WHERE id = ${id}`)[0]?.["role"];

test("an invitation is good for seven days and is stored as the hash of its code", async () => {
  const answer = await admin.post("/api/invitations/", { email: "Grace@example.org", role: "admin" });
  const { id, code, expires_at, ...rest } = answer.body;
  expect([answer.status, rest]).toEqual([201, { email: "Grace@example.org", role: "admin" }]);
  expect(code).toMatch(/^[\w-]{27}$/);
  const [row] =
    await asOwner`SELECT *, extract(day FROM expires_at - created_at)::int AS days FROM invitations WHERE id = ${id}`;
  expect(row).toMatchObject({ days: 7, created_by: admin.id });
  expect(new Date(expires_at)).toEqual(row?.["expires_at"]);
  expect(JSON.stringify(row)).not.toContain(code);
  const [event] = await recordOf(answer);
  expect(event?.["changes"]).toEqual({
    invitation: { before: null, after: id },
    email: { before: null, after: "Grace@example.org" },
    role: { before: null, after: "admin" },
  });
});

test("who is invited registers once, with the email and in the role that the invitation says", async () => {
  const { id, code } = await invite(admin, { role: "admin" });
  const { status, body, headers } = await register({ invitation: code, email: "GRACE@example.org" });
  expect(status).toBe(201);
  expect(await roleOf(body.id)).toBe("admin");
  expect(await recordOf({ status, body, headers })).toMatchObject([
    { action: "register", changes: { invitation: { before: id, after: null } } },
  ]);
  expect(await register({ invitation: code })).toEqual(refusal("invitation"));
  expect(idsOf(await admin.get("/api/invitations/?sort=-id"))).not.toContain(id);
});

test("without an invitation, with one that never was, is too old or was withdrawn, nobody registers and no name is told", async () => {
  const [old, withdrawn, good] = [await invite(admin), await invite(admin), await invite(admin)];
  await asOwner`UPDATE invitations SET expires_at = now() WHERE id = ${old.id}`;
  const gone = await admin.delete(`/api/invitations/${withdrawn.id}/`);
  expect(gone.status).toBe(204);
  expect(await recordOf(gone)).toMatchObject([
    { changes: { invitation: { before: withdrawn.id, after: null } } },
  ]);
  const { username } = await newAccount();
  for (const invitation of [undefined, "A".repeat(27), old.code, withdrawn.code, `${good.code}A`])
    for (const name of [username, unique("new-")])
      expect(await register({ invitation, username: name })).toEqual(refusal("invitation"));
  expect(await register({ invitation: good.code, email: "eve@example.org" })).toEqual(refusal("email"));
  expect((await register({ invitation: good.code })).status).toBe(201);
});

test("an invitation of who is no admin any more is none", async () => {
  for (const change of [{ active: false }, { role: "clinician" }]) {
    const other = await newAccount(undefined, "admin");
    const { id, code } = await invite(other, { role: "admin" });
    await admin.patch(`/api/accounts/${other.id}/`, change);
    expect(await register({ invitation: code })).toEqual(refusal("invitation"));
    expect(idsOf(await admin.get("/api/invitations/?sort=-id"))).not.toContain(id);
  }
});

test("a username that is taken leaves the invitation as it is", async () => {
  const { code } = await invite(admin);
  const { username } = await newAccount();
  expect((await register({ invitation: code, username })).status).toBe(409);
  expect((await register({ invitation: code })).status).toBe(201);
});

test("of many at once with one invitation one registers", async () => {
  const { code } = await invite(admin);
  const answers = await atOnce(CROWD, () => register({ invitation: code }));
  expect(tally(answers)).toEqual({ 201: 1, 400: CROWD - 1 });
});

test("where anybody may register an invitation is good too, and where nobody may, none is", async () => {
  const { code } = await invite(admin, { role: "admin" });
  const closed = connectApi({ REGISTRATION: "closed" });
  expect(await register({ invitation: code }, closed)).toEqual(problem(403, "Nobody can register here."));
  expect(await register({}, closed)).toEqual(problem(403));
  expect(await closed.databaseRequests()).toBe(0);
  const { body } = await register({ invitation: code }, connectApi());
  expect(await roleOf(body.id)).toBe("admin");
  const [other, clinician] = [await newAccount(closed, "admin"), await newAccount(closed)];
  expect(await clinician.post("/api/invitations/", { email: "a@example.org", role: "admin" })).toEqual(
    problem(403),
  );
  expect(await other.post("/api/invitations/", { email: "a@example.org", role: "admin" })).toEqual(
    problem(409),
  );
});

test("to others than admins invitations are 403, and there is none", async () => {
  const account = await newAccount();
  const { id } = await invite(admin);
  const denied = problem(403, "Only an admin may invite.");
  expect(await account.post("/api/invitations/", { email: "a@example.org", role: "admin" })).toEqual(denied);
  expect(await account.get("/api/invitations/")).toEqual(denied);
  for (const one of [id, 2_147_483_647])
    expect(await account.delete(`/api/invitations/${one}/`)).toEqual(denied);
  expect(idsOf(await admin.get("/api/invitations/?sort=-id"))).toContain(id);
});
