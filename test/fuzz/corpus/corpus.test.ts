import { expect, test } from "vitest";
import { connectApi } from "../../support/api.ts";
import { hostileBodies } from "./bodies.ts";
import { hostileCursors } from "./cursors.ts";
import { forge } from "./forge.ts";
import { hostileHeaders } from "./headers.ts";
import type { Hostile } from "./hostile.ts";
import { expectNoLeak, leaksIn } from "./leaks.ts";
import { hostilePaths } from "./paths.ts";
import { type Forgery, forgeries } from "./tokens.ts";
import { createScene, encodeBody, fillIn } from "./walk.ts";

const { account, names } = await createScene();
const mine = `/api/patients/${names["patient"]}/`;
const before = await account.get(mine);

const corpus: Hostile[] = [...hostilePaths, ...hostileBodies, ...hostileHeaders, ...hostileCursors];

test.each(corpus)("$name, for $why", async (hostile) => {
  const [method = "", path = ""] = fillIn(hostile.request, names).split(/ (.*)/s);
  const raw = await encodeBody(hostile, names);
  const own = Object.entries(hostile.headers ?? {}).map(([name, value]) => [name, fillIn(value, names)]);
  const type = raw === undefined ? {} : { "Content-Type": "application/json" };
  const headers = { ...type, ...Object.fromEntries(own) };
  const { request } = hostile.by === "nobody" ? account.api : account;
  const answer = await request(method, path, undefined, { headers, ...(raw !== undefined && { raw }) });
  expect(hostile.answers).toContain(answer.status);
  expectNoLeak(answer);
});

test.each(forgeries)(
  "$name, for $why",
  async ({ answers = [401], sent = "Bearer {token}", ...forgery }: Forgery) => {
    const claims = Object.entries(forgery.claims ?? {}).map(([name, value]) => [
      name,
      typeof value === "string" ? fillIn(value, names) : value,
    ]);
    const own = { sub: String(account.id), sid: account.sid };
    const parts = await forge({ ...forgery, claims: Object.fromEntries(claims) }, own);
    const headers = { Authorization: fillIn(sent, { ...names, ...parts }) };
    const answer = await connectApi().get("/api/auth/me/", { headers });
    expect(answers).toContain(answer.status);
    expectNoLeak(answer);
  },
);

test("after all of these requests the patient and Object.prototype are unchanged", async () => {
  expect(await account.get(mine)).toMatchObject({ status: 200, body: before.body });
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect("polluted" in {}).toBe(false);
});

test("leaksIn finds stack traces, SQL, names of the database and the secret, and nothing in a normal error", () => {
  const leaks = [
    "Error: x\n    at readText (src/http/body.ts:27:11)",
    'duplicate key value violates unique constraint "patients_owner_id_email_key"',
    "UPDATE patients SET age = $1",
    "no row in refresh_tokens",
    "a secret of at least thirty-two bytes, for tests",
  ];
  expect(leaks.filter((text) => leaksIn(text).length === 0)).toEqual([]);
  expect(leaksIn("The patient has changed since the version in If-Match: read it again.")).toEqual([]);
});
