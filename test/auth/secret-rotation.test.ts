import { expect, test } from "vitest";
import { insertRefreshToken, mintToken, newAccount, signUp } from "../support/accounts.ts";
import { connectApi, JWT_SECRET } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { insertRecords, nextOf } from "../support/pages.ts";
import { problem } from "../support/problems.ts";

const bothSecrets = {
  JWT_SECRET: "the secret that comes after it, of 32 bytes",
  JWT_SECRET_PREVIOUS: JWT_SECRET,
};
const newSecret = { JWT_SECRET: bothSecrets.JWT_SECRET };

/** A session from before the secret was replaced: its tokens, and the path of the next page of a list. */
async function newSessionOfOldSecret() {
  const account = await newAccount();
  await insertRecords("patients", account, 2);
  const refresh = await insertRefreshToken(account);
  const { body } = await account.api.post("/api/auth/refresh/", { refresh });
  const next = nextOf(await account.get("/api/patients/?limit=1")) ?? "";
  return { access: body.access as string, refresh: body.refresh as string, next };
}

test("with JWT_SECRET_PREVIOUS, tokens and cursors of the previous secret are accepted, and new ones are signed with JWT_SECRET", async () => {
  const { access, refresh, next } = await newSessionOfOldSecret();
  const api = connectApi(bothSecrets);
  expect((await api.get("/api/auth/me/", { token: access })).status).toBe(200);
  expect((await api.get(next, { token: access })).body).toHaveLength(1);
  const { status, body } = await api.post("/api/auth/refresh/", { refresh });
  expect(status).toBe(200);
  expect((await connectApi(newSecret).get("/api/auth/me/", { token: body.access })).status).toBe(200);
});

test("without JWT_SECRET_PREVIOUS, an older access token gets 401 and an older cursor 400; an older refresh token is exchanged", async () => {
  const { access, refresh, next } = await newSessionOfOldSecret();
  const api = connectApi(newSecret);
  expect(await api.get("/api/auth/me/", { token: access })).toEqual(problem(401));
  const { body } = await api.post("/api/auth/refresh/", { refresh });
  expect((await api.get(next, { token: body.access })).status).toBe(400);
});

const oldSecret = { JWT_SECRET };
const newFirst = bothSecrets;
const oldFirst = { JWT_SECRET, JWT_SECRET_PREVIOUS: bothSecrets.JWT_SECRET };

/** A new session, with a refresh token that a Worker of this configuration has signed. */
const newSessionOf = (bindings: Record<string, unknown>) => signUp(connectApi(bindings));
const exchange = (bindings: Record<string, unknown>, refresh: string) =>
  connectApi(bindings).post("/api/auth/refresh/", { refresh });

test.each([
  ["the old secret, then by both", oldSecret, oldSecret, newFirst],
  ["both secrets, then by the old one", oldSecret, newFirst, oldSecret],
  ["both secrets, then by both in the other order", oldSecret, newFirst, oldFirst],
  ["both secrets, the old one first, then by both", newSecret, oldFirst, newFirst],
  ["both secrets, then by the new one", newSecret, newFirst, newSecret],
  ["the new secret alone, then by both", oldSecret, newSecret, newFirst],
])(
  "a refresh token that is exchanged by a Worker with %s, has one successor",
  async (_, signer, first, second) => {
    const { refresh } = await newSessionOf(signer);
    const one = await exchange(first, refresh);
    const other = await exchange(second, refresh);
    expect([one.status, other.status]).toEqual([200, 200]);
    expect(other.body.refresh).toBe(one.body.refresh);
    const last = await exchange(second, other.body.refresh);
    expect(last.status).toBe(200);
    expect((await exchange(first, last.body.refresh)).status).toBe(200);
  },
);

test.each([
  ["the old secret", newSecret, newFirst, oldSecret],
  ["the new secret alone", oldSecret, newFirst, newSecret],
])(
  "a Worker with %s cannot derive the successor of a Worker with both: it refuses, and the session goes on",
  async (_, signer, first, second) => {
    const { refresh, id } = await newSessionOf(signer);
    const one = await exchange(first, refresh);
    expect((await exchange(second, refresh)).status).toBe(401);
    const unspent = await asOwner`
      SELECT FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id WHERE s.user_id = ${id} AND spent_at IS NULL`;
    expect(unspent).toHaveLength(1);
    expect((await exchange(second, one.body.refresh)).status).toBe(200);
  },
);

test("a token whose kid is another key than the one it is signed with gets 401", async () => {
  const api = connectApi(bothSecrets);
  const { sid, id } = await newAccount(api);
  const claims = { sub: String(id), sid };
  // A token without a kid, as older versions issued them, must be signed with the current secret.
  expect(
    (await api.get("/api/auth/me/", { token: await mintToken(claims, bothSecrets.JWT_SECRET) })).status,
  ).toBe(200);
  expect((await api.get("/api/auth/me/", { token: await mintToken(claims) })).status).toBe(401);
  const [, payload] = (await mintToken(claims, bothSecrets.JWT_SECRET)).split(".");
  const { access } = await newSessionOfOldSecret();
  const [header, , signature] = access.split(".");
  expect((await api.get("/api/auth/me/", { token: `${header}.${payload}.${signature}` })).status).toBe(401);
});
