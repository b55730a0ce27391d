import { expect, test } from "vitest";
import { insertRefreshToken, mintToken, newAccount } from "../support/accounts.ts";
import { connectApi, JWT_SECRET } from "../support/api.ts";
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
