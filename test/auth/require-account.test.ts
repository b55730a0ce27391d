import { decode, sign } from "hono/jwt";
import { expect, onTestFinished, test, vi } from "vitest";
import { findVerifiedToken, rememberVerifiedToken } from "../../src/auth/verified-tokens.ts";
import { tokenClaims as anyClaims, mintToken, newAccount, revocations } from "../support/accounts.ts";
import { connectApi, JWT_SECRET } from "../support/api.ts";
import { watchConsole } from "../support/console.ts";
import { asOwner } from "../support/owner.ts";
import { problem } from "../support/problems.ts";

const INVALID = 'Bearer realm="hospital-api", error="invalid_token"';

/** The account of the tokens here. */
const { id, token } = await newAccount();
const [header = "", payload = "", signature = ""] = token.split(".");
const claims = { ...anyClaims(), ...decode(token).payload };
const now = claims.iat;
const part = (value: unknown) => btoa(JSON.stringify(value)).replace(/=+$/, "");
const withAlgorithm = (alg: string, signed = signature) =>
  `Bearer ${part({ alg, typ: "JWT" })}.${payload}.${signed}`;

const me = (authorization: string, api = connectApi()) =>
  api.get("/api/auth/me/", { headers: { Authorization: authorization } });

/** Claims of tokens that have expired. */
const expiredClaims: Record<string, unknown>[] = [{ iat: now - 1000, exp: now - 100 }, { exp: now }];

/** Claims that a token of the right key must not have; `undefined` leaves one out. */
const invalidClaims: Record<string, unknown>[] = [
  ...[{ exp: undefined }, { exp: String(now + 900) }, { exp: now - 100, iss: "hotel-api" }],
  ...[{ nbf: now + 600 }, { iat: now + 600 }, { nbf: String(now) }, { iat: String(now) }, { iat: null }],
  ...[{ iss: "hotel-api" }, { iss: undefined }, { iss: undefined, aud: undefined }],
  ...[{ aud: "hotel-api" }, { aud: ["hotel-api", "hostel-api"] }, { aud: undefined }],
  ...[{ sub: undefined }, { sub: id }, { sub: "admin" }, { sub: "2147483648" }],
  ...[{ sub: `${id}.0` }, { sub: `${id} OR true` }, { sid: undefined }, { sid: "1" }],
  ...[{ ver: undefined }, { ver: "1" }, { ver: 1.5 }, { ver: 2 ** 31 }],
];

const EXPIRED = problem(401, "The access token has expired.", "token_expired");
const NOT_OURS = problem(401, "The access token is malformed, or is not from this API.", "token_invalid");

const invalid: [what: string, authorization: string][] = [
  ["a scheme without a token", "Bearer"],
  ["an empty bearer", "Bearer "],
  ["garbage", "Bearer garbage"],
  ["garbage in three parts", "Bearer a.b.c"],
  ["two tokens", `Bearer ${token} ${token}`],
  ["two tokens with a comma", `Bearer ${token},${token}`],
  ["another header after the token's", `Bearer ${token}, Basic dXNlcjpwYXNzd29yZA==`],
  ["two tokens in two headers", `Bearer ${token}, Bearer ${token}`],
  ["a comma after the scheme", `Bearer, ${token}`],
  ["a token of four parts", `Bearer ${token}.${signature}`],
  ["a token without a signature", `Bearer ${header}.${payload}.`],
  ["a wrong signature", `Bearer ${header}.${payload}.${signature.split("").reverse().join("")}`],
  ["a payload changed after signing", `Bearer ${header}.${part({ ...claims, sub: "2" })}.${signature}`],
  ["alg none, unsigned", withAlgorithm("none", "")],
  ["alg none, signed", withAlgorithm("none")],
  ["alg HS512 in the header only", withAlgorithm("HS512")],
  ["alg HS512 of the same secret", `Bearer ${await sign(claims, JWT_SECRET, "HS512")}`],
  ["a foreign secret", `Bearer ${await mintToken(claims, `${JWT_SECRET}!`)}`],
  [
    "an expired token of a foreign secret",
    `Bearer ${await mintToken({ ...claims, exp: now - 1 }, `${JWT_SECRET}!`)}`,
  ],
];

const tokensThatSay = (all: Record<string, unknown>[]) =>
  Promise.all(
    all.map(async (changes) => [
      `a token that says ${Object.entries(changes).join()}`,
      `Bearer ${await mintToken({ ...claims, ...changes })}`,
    ]),
  );

test.each([
  ...[...invalid, ...(await tokensThatSay(invalidClaims))].map((one) => [...one, NOT_OURS] as const),
  ...(await tokensThatSay(expiredClaims)).map((one) => [...one, EXPIRED] as const),
] as [string, string, typeof EXPIRED][])(
  "%s gets 401 without a database request, and is in no answer and no log",
  async (_, authorization, expected) => {
    const [api, printed] = [connectApi(), watchConsole()];
    const answer = await api.get("/api/auth/me/", { headers: { Authorization: authorization } });
    expect(answer).toEqual(expected);
    expect(answer.headers.get("WWW-Authenticate")).toBe(INVALID);
    expect(await api.databaseRequests()).toBe(0);
    expect(printed()).toEqual([expect.stringContaining(answer.body.request_id)]);
    for (const secret of authorization.match(/[\w-]{20,}/g) ?? [])
      expect(printed().join("\n") + JSON.stringify(answer.body)).not.toContain(secret);
  },
);

test.each([
  ["", "an empty header"],
  [`Basic ${btoa("user:password")}`, "Basic"],
  ["Basic", "Basic without credentials"],
  [`Token ${token}`, "another scheme with a good token"],
  [`JWT ${token}`, "another scheme with a good token"],
  [`BearerX ${token}`, "a scheme that begins like Bearer"],
  [`Bearer${token}`, "no space after the scheme"],
  [token, "a token without its scheme"],
  ['Digest username="ada", realm="hospital-api", response="0"', "Digest"],
  ["Negotiate YII=", "Negotiate"],
  [`Basic dXNlcjpwYXNzd29yZA==, Bearer ${token}`, "Basic before a token"],
])(
  "Authorization: %.20s gets 401 without error=, because it has no bearer token: %s",
  async (authorization) => {
    const api = connectApi();
    const answer = await api.get("/api/auth/me/", { headers: { Authorization: authorization } });
    expect(answer).toEqual(
      problem(401, "An access token is required: send Authorization: Bearer <access token>."),
    );
    expect(answer.headers.get("WWW-Authenticate")).toBe('Bearer realm="hospital-api"');
    expect(await api.databaseRequests()).toBe(0);
  },
);

test("a valid token in a cookie, another header or the query gets 401", async () => {
  const api = connectApi();
  const headers = { Cookie: `token=${token}; Authorization=${token}`, "X-Authorization": `Bearer ${token}` };
  const answer = await api.get(`/api/auth/me/?access_token=${token}`, { headers });
  expect(answer).toEqual(
    problem(401, "An access token is required: send Authorization: Bearer <access token>.", "token_missing"),
  );
  expect(answer.headers.get("WWW-Authenticate")).toBe('Bearer realm="hospital-api"');
  expect(await api.databaseRequests()).toBe(0);
});

test("a token is accepted in any case of its scheme and with several audiences, but not with another issuer, audience or secret", async () => {
  expect((await me(`bEARER ${await mintToken({ ...claims, aud: ["other", "hospital-api"] })}`)).status).toBe(
    200,
  );
  for (const other of [{ JWT_ISSUER: "x" }, { JWT_AUDIENCE: "x" }, { JWT_SECRET: "another".padEnd(32, "x") }])
    expect(await me(`Bearer ${token}`, connectApi(other))).toEqual(problem(401));
});

test("a token gets 401 from the second of its exp on, also when it was accepted before", async () => {
  const exp = now + 800;
  const authorization = `Bearer ${await mintToken({ ...claims, exp })}`;
  const clock = vi.spyOn(Date, "now").mockReturnValue(exp * 1000 - 1);
  onTestFinished(() => clock.mockRestore());
  // One API, because it remembers the tokens that it has accepted.
  const api = connectApi();
  for (const time of [1, 2]) expect([time, (await me(authorization, api)).status]).toEqual([time, 200]);
  clock.mockReturnValue(exp * 1000);
  expect(await me(authorization, api)).toEqual(EXPIRED);
});

test.each(["iat", "nbf"])(
  "a token is accepted when its %s is up to 60 s in the future, and not before",
  async (claim) => {
    const start = now + 300;
    const authorization = `Bearer ${await mintToken({ ...claims, [claim]: start })}`;
    const clock = vi.spyOn(Date, "now").mockReturnValue((start - 60) * 1000 - 1);
    onTestFinished(() => clock.mockRestore());
    const api = connectApi();
    expect(await me(authorization, api)).toEqual(problem(401));
    clock.mockReturnValue((start - 60) * 1000);
    expect((await me(authorization, api)).status).toBe(200);
  },
);

test("an accepted token is accepted again in any form of its header, but not with another scheme", async () => {
  const api = connectApi();
  const newToken = await mintToken({ ...claims, exp: now + 899 });
  for (const scheme of ["Bearer ", "bEARER ", `Bearer${" ".repeat(1000)}`])
    expect((await me(scheme + newToken, api)).status).toBe(200);
  for (const scheme of ["", "Token ", "Basic ", "Bearer, ", "Bearer Bearer "])
    expect(await me(scheme + newToken, api)).toEqual(problem(401));
});

test("the newest 1,000 accepted tokens are remembered, each until it expires", () => {
  const tokens = new Map();
  const names = Array.from({ length: 1001 }, (_, n) => `token ${n}`);
  const flags = { must_change_password: false, is_auditor: false };
  const tokenClaims = { user_id: id, session_id: claims.sid, clinic_id: id, token_version: 1, ...flags };
  for (const name of names) rememberVerifiedToken(tokens, name, { claims: tokenClaims, exp: now + 900 });
  expect(names.filter((name) => findVerifiedToken(tokens, name) === undefined)).toEqual(["token 0"]);
  rememberVerifiedToken(tokens, "token 1", { claims: tokenClaims, exp: now - 1 });
  expect(findVerifiedToken(tokens, "token 1")).toBeUndefined();
});

test.each([
  ...revocations,
  ["its session was deleted", (id: number) => asOwner`DELETE FROM sessions WHERE user_id = ${id}`],
  [
    "its session is another account's",
    (other: number) =>
      asOwner`UPDATE sessions SET user_id = ${id}, clinic_id = ${id} WHERE user_id = ${other}`,
  ],
] as typeof revocations)("a genuine token gets 401 in one database request when %s", async (_, revoke) => {
  const account = await newAccount();
  await revoke(account.id);
  const answer = await account.get("/api/auth/me/");
  expect(answer).toEqual(problem(401, "The access token has been revoked.", "token_revoked"));
  expect(answer.headers.get("WWW-Authenticate")).toBe(INVALID);
  expect(await account.api.databaseRequests()).toBe(1);
});

test("a token is accepted again when its account is enabled again, also when another session has ended", async () => {
  const { id, get } = await newAccount();
  await asOwner`
    INSERT INTO sessions (user_id, token_version, expires_at, ended_at) VALUES (${id}, 1, now(), now())`;
  await asOwner`UPDATE users SET active = false WHERE id = ${id}`;
  expect((await get("/api/auth/me/")).status).toBe(401);
  await asOwner`UPDATE users SET active = true WHERE id = ${id}`;
  expect((await get("/api/auth/me/")).status).toBe(200);
});
