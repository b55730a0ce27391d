import { expect, test } from "vitest";
import { mint, newAccount, newRefreshToken } from "../support/accounts.ts";
import { connectApi, JWT_SECRET } from "../support/api.ts";
import { fill, nextOf } from "../support/pages.ts";
import { problem } from "../support/problems.ts";

const replaced = {
  JWT_SECRET: "the secret that comes after it, of 32 bytes",
  JWT_SECRET_PREVIOUS: JWT_SECRET,
};
const forgotten = { JWT_SECRET: replaced.JWT_SECRET };

/** A session as it was before the secret was replaced: its tokens, and where its reading had come to. */
async function begun() {
  const account = await newAccount();
  await fill("patients", account, 2);
  const refresh = await newRefreshToken(account);
  const { body } = await account.api.post("/api/auth/refresh/", { refresh });
  const next = nextOf(await account.get("/api/patients/?limit=1")) ?? "";
  return { access: body.access as string, refresh: body.refresh as string, next };
}

test("while a secret is replaced, what the previous one has signed and sealed is taken, and the new one signs", async () => {
  const { access, refresh, next } = await begun();
  const api = connectApi(replaced);
  expect((await api.get("/api/auth/me/", { token: access })).status).toBe(200);
  expect((await api.get(next, { token: access })).body).toHaveLength(1);
  const { status, body } = await api.post("/api/auth/refresh/", { refresh });
  expect(status).toBe(200);
  expect((await connectApi(forgotten).get("/api/auth/me/", { token: body.access })).status).toBe(200);
});

test("when it is over, nothing is taken of the previous secret but refresh tokens, which it never signed", async () => {
  const { access, refresh, next } = await begun();
  const api = connectApi(forgotten);
  expect(await api.get("/api/auth/me/", { token: access })).toEqual(problem(401));
  const { body } = await api.post("/api/auth/refresh/", { refresh });
  expect((await api.get(next, { token: body.access })).status).toBe(400);
});

test("a token that names another key than the one it is signed with, or one that nobody has, is refused", async () => {
  const api = connectApi(replaced);
  const { sid, id } = await newAccount(api);
  const claims = { sub: String(id), sid };
  // It names none, as tokens of before did: then it has to be of the secret that is in use.
  expect((await api.get("/api/auth/me/", { token: await mint(claims, replaced.JWT_SECRET) })).status).toBe(
    200,
  );
  expect((await api.get("/api/auth/me/", { token: await mint(claims) })).status).toBe(401);
  const [, payload] = (await mint(claims, replaced.JWT_SECRET)).split(".");
  const { access } = await begun();
  const [header, , signature] = access.split(".");
  expect((await api.get("/api/auth/me/", { token: `${header}.${payload}.${signature}` })).status).toBe(401);
});
