import { expect, test } from "vitest";
import { insertRefreshToken, logIn, newAccount, signUp } from "../support/accounts.ts";
import type { Api } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { fieldProblem, withoutRequestDetails } from "../support/problems.ts";

interface Pair {
  access: string;
  refresh: string;
}

/** The statuses that the access token and the refresh token of a session get. */
const tryTokens = async (api: Api, { access, refresh }: Pair) => [
  (await api.get("/api/auth/me/", { token: access })).status,
  (await api.post("/api/auth/refresh/", { refresh })).status,
];

test("logout revokes both tokens of the session, and no other session of the account", async () => {
  const { api, username, token, refresh, post } = await signUp();
  const other = await logIn(api, username);
  expect(await post("/api/auth/logout/", { refresh })).toMatchObject({ status: 204, body: "" });
  expect(await tryTokens(api, { access: token, refresh })).toEqual([401, 401]);
  expect(await tryTokens(api, other)).toEqual([200, 200]);
});

test("logout with a spent refresh token of another session ends that session, and not the caller's", async () => {
  const { api, username, token, refresh, post } = await signUp();
  const other = await logIn(api, username);
  const { body: next } = await api.post("/api/auth/refresh/", { refresh: other.refresh });
  expect((await post("/api/auth/logout/", { refresh: other.refresh })).status).toBe(204);
  expect(await tryTokens(api, next)).toEqual([401, 401]);
  expect(await tryTokens(api, { access: token, refresh })).toEqual([200, 200]);
});

test("a second logout keeps the time at which the session ended", async () => {
  const account = await newAccount();
  const refresh = await insertRefreshToken(account);
  await account.post("/api/auth/logout/", { refresh });
  const [session] = await asOwner`
    UPDATE sessions SET ended_at = ended_at - interval '1 hour' WHERE user_id = ${account.id} AND ended_at IS NOT NULL
    RETURNING id, ended_at`;
  expect((await account.post("/api/auth/logout/", { refresh })).status).toBe(204);
  expect(await asOwner`SELECT id, ended_at FROM sessions WHERE id = ${session?.["id"]}`).toEqual([session]);
});

test("logout with another account's refresh token gets the same 400 as with an unknown one, and ends no session", async () => {
  const [account, stranger] = [await signUp(), await signUp()];
  const foreign = await account.post("/api/auth/logout/", { refresh: stranger.refresh });
  const unknown = await account.post("/api/auth/logout/", { refresh: "A".repeat(43) });
  expect(foreign).toEqual(fieldProblem("refresh"));
  expect(withoutRequestDetails(unknown)).toEqual(withoutRequestDetails(foreign));
  for (const { api, token, refresh } of [account, stranger])
    expect(await tryTokens(api, { access: token, refresh })).toEqual([200, 200]);
});
