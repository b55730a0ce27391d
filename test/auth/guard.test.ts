import { sign } from "hono/jwt";
import { describe, expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { watchConsole } from "../support/console.ts";
import { signUp } from "../support/fixtures.ts";
import { pathOf, protectedRoutes } from "../support/routes.ts";

const SECRET = "a secret of at least thirty-two bytes, for tests";
const now = Math.floor(Date.now() / 1000);

/** What an access token says, of an account and a session that need not exist: no database is asked about a bad token. */
const claims = {
  iss: "hospital-api",
  aud: "hospital-api",
  sub: "1",
  sid: "0190b5a3-6b1c-4f6e-9d54-5b1f7d3c2a10",
  ver: 1,
  iat: now,
  exp: now + 900,
};

/** A token of the right key that says something else; what is `undefined` is left out. */
const saying = (changes: Record<string, unknown>) => sign({ ...claims, ...changes }, SECRET, "HS256");

const part = (value: unknown) => btoa(JSON.stringify(value)).replace(/=+$/, "");
const [header = "", payload = "", signature = ""] = (await saying({})).split(".");

/** A token whose bytes were changed after it was signed. */
const tampered = (changes: { header?: unknown; payload?: unknown; signature?: string }) =>
  [
    changes.header ? part(changes.header) : header,
    changes.payload ? part(changes.payload) : payload,
    changes.signature ?? signature,
  ].join(".");

const valid = await saying({});

/** Values of an Authorization header that no route may let pass. */
const refused: [string, string | undefined][] = [
  ["no Authorization header", undefined],
  ["an empty Authorization header", ""],
  ["another scheme", `Basic ${btoa("user:password")}`],
  ["another scheme with a good token", `Token ${valid}`],
  ["a token without its scheme", valid],
  ["a scheme without a token", "Bearer"],
  ["an empty bearer", "Bearer "],
  ["garbage", "Bearer garbage"],
  ["garbage in three parts", "Bearer a.b.c"],
  ["two tokens", `Bearer ${valid} ${valid}`],
  ["two tokens with a comma", `Bearer ${valid},${valid}`],
  ["a token of four parts", `Bearer ${valid}.${signature}`],
  ["a token without a signature", `Bearer ${tampered({ signature: "" })}`],
  [
    "a token with a wrong signature",
    `Bearer ${tampered({ signature: signature.split("").reverse().join("") })}`,
  ],
  [
    "another account's id under the old signature",
    `Bearer ${tampered({ payload: { ...claims, sub: "2" } })}`,
  ],
  ["alg none, unsigned", `Bearer ${tampered({ header: { alg: "none", typ: "JWT" }, signature: "" })}`],
  ["alg none, signed", `Bearer ${tampered({ header: { alg: "none", typ: "JWT" } })}`],
  ["alg HS512 in the header only", `Bearer ${tampered({ header: { alg: "HS512", typ: "JWT" } })}`],
  ["alg HS512 of the same secret", `Bearer ${await sign(claims, SECRET, "HS512")}`],
  ["a foreign secret", `Bearer ${await sign(claims, `${SECRET}!`, "HS256")}`],
  ["an expired token", `Bearer ${await saying({ iat: now - 1000, exp: now - 100 })}`],
  ["a token that expires this very second", `Bearer ${await saying({ exp: now })}`],
  ["a token that never expires", `Bearer ${await saying({ exp: undefined })}`],
  ["an expiry that is a string", `Bearer ${await saying({ exp: String(now + 900) })}`],
  ["a token that is not valid yet", `Bearer ${await saying({ nbf: now + 600 })}`],
  ["a token issued in the future", `Bearer ${await saying({ iat: now + 600 })}`],
  ["another issuer", `Bearer ${await saying({ iss: "hotel-api" })}`],
  ["another audience", `Bearer ${await saying({ aud: "hotel-api" })}`],
  ["other audiences", `Bearer ${await saying({ aud: ["hotel-api", "hostel-api"] })}`],
  ["no issuer", `Bearer ${await saying({ iss: undefined })}`],
  ["no audience", `Bearer ${await saying({ aud: undefined })}`],
  ["no issuer and no audience", `Bearer ${await saying({ iss: undefined, aud: undefined })}`],
  ["no subject", `Bearer ${await saying({ sub: undefined })}`],
  ["a subject that is no number", `Bearer ${await saying({ sub: "admin" })}`],
  ["a subject that is SQL", `Bearer ${await saying({ sub: "1 OR true" })}`],
  ["a subject too large for an id", `Bearer ${await saying({ sub: "2147483648" })}`],
  ["no session", `Bearer ${await saying({ sid: undefined })}`],
  ["a session that is no UUID", `Bearer ${await saying({ sid: "1" })}`],
  ["no version", `Bearer ${await saying({ ver: undefined })}`],
  ["a version that is no number", `Bearer ${await saying({ ver: "1" })}`],
];

test("a token made as these tests make them is accepted when what it says is true", async () => {
  const api = connectApi();
  const { id, access } = await signUp(api);
  const { sid } = JSON.parse(atob(access.split(".")[1] ?? ""));
  const token = await saying({ sub: String(id), sid });
  expect((await api.get("/api/auth/me/", { token })).status).toBe(200);
});

test("the scheme may be written in any case", async () => {
  const api = connectApi();
  const { access } = await signUp(api);
  const answer = await api.get("/api/auth/me/", { headers: { Authorization: `bearer ${access}` } });
  expect(answer.status).toBe(200);
});

describe.each(protectedRoutes)("$method $path", (route) => {
  const path = pathOf(route, 1);

  test.each(refused)("refuses %s with 401, a challenge and no database request", async (_, authorization) => {
    const printed = watchConsole();
    const api = connectApi();
    const headers: Record<string, string> =
      authorization === undefined ? {} : { Authorization: authorization };
    const answer = await api.request(route.method, path, route.body, { headers });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer realm="[^"]+"/);
    expect(answer.body).toEqual({
      type: "about:blank",
      title: "Unauthorized",
      status: 401,
      detail: expect.any(String),
      request_id: answer.headers.get("X-Request-Id"),
    });
    expect(await api.databaseRequests()).toBe(0);
    expect(printed()).toEqual([expect.stringContaining(answer.body.request_id)]);
    for (const secret of authorization?.match(/[\w-]{20,}/g) ?? []) {
      expect(printed().join("\n") + JSON.stringify(answer.body)).not.toContain(secret);
    }
  });

  test("refuses a good token that is somewhere else than in its header", async () => {
    const api = connectApi();
    const { access } = await signUp(api);
    await api.databaseRequests();
    const headers = {
      Cookie: `token=${access}; Authorization=${access}`,
      "X-Authorization": `Bearer ${access}`,
    };
    const answer = await api.request(route.method, `${path}?access_token=${access}`, route.body, { headers });
    expect(answer.status).toBe(401);
    expect(await api.databaseRequests()).toBe(0);
  });
});

test.each(["/api/auth/register/", "/api/auth/login/", "/api/auth/refresh/"])(
  "%s needs no token and does not mind a bad one",
  async (path) => {
    const answer = await connectApi().post(path, {}, { token: "garbage" });
    expect(answer.status).toBe(400);
  },
);
