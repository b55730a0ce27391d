import { describe, expect, test } from "vitest";
import { type Api, connectApi } from "../support/api.ts";
import { PASSWORD, signUp, unique } from "../support/fixtures.ts";
import { openRoutes, pathOf, protectedRoutes } from "../support/routes.ts";

const MAX_BYTES = 65_536;
const json = { "Content-Type": "application/json" };

/** A login as it is, to a route that needs no token. */
const send = (api: Api, raw: BodyInit, headers: Record<string, string> = json) =>
  api.post("/api/auth/login/", undefined, { raw, headers });

const bytes = (...values: number[]) => new Uint8Array(values);
const encode = (text: string) => new TextEncoder().encode(text);

describe("a body that is not well-formed JSON in UTF-8 answers 400, without errors of fields:", () => {
  test.each<[string, BodyInit]>([
    ["an open brace", "{"],
    ["two values", "{}{}"],
    ["single quotes", "{'username': 'a'}"],
    ["a trailing comma", '{"username": "a",}'],
    ["a comment", '{} // "username"'],
    ["NaN", '{"username": NaN}'],
    ["text", "username=a"],
    ["white space", "  \n"],
    ["a raw line break in a string", '{"username": "a\nb"}'],
    ["bytes that are no UTF-8", bytes(0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d)],
    ["Latin-1", bytes(0x22, 0x6a, 0x6f, 0x73, 0xe9, 0x22)],
    ["an overlong encoding", bytes(0x22, 0xc0, 0x80, 0x22)],
    ["a surrogate in UTF-8", bytes(0x22, 0xed, 0xa0, 0x80, 0x22)],
    ["UTF-16", bytes(0x7b, 0x00, 0x7d, 0x00)],
    ["nothing", ""],
  ])("%s", async (_, raw) => {
    const api = connectApi();
    const answer = await send(api, raw);
    expect(answer.status).toBe(400);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    expect(answer.body).not.toHaveProperty("errors");
    expect(await api.databaseRequests()).toBe(0);
  });
});

test.each(["[]", '[{"username": "a"}]', '"username"', "7", "null", "true"])(
  "the well-formed JSON %s is not the object that is expected",
  async (raw) => {
    const answer = await send(connectApi(), raw);
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toEqual({ body: [expect.any(String)] });
  },
);

test.each([
  ["an object", '{"a":', "1", "}"],
  ["a list", "[", "", "]"],
])("%s nested ten thousand levels deep answers 400", async (_, open, middle, close) => {
  const deep = open.repeat(10_000) + middle + close.repeat(10_000);
  expect((await send(connectApi(), deep)).status).toBe(400);
  const inField = await send(connectApi(), `{"username": ${deep}, "password": "a"}`);
  expect(inField.status).toBe(400);
  expect(Object.keys(inField.body.errors)).toEqual(["username"]);
});

test.each(["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"])(
  "%s is an unknown field like any other",
  async (key) => {
    const answer = await send(
      connectApi(),
      `{"username": "a", "password": "b", "${key}": {"role": "admin"}}`,
    );
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body.errors)).toEqual([key]);
  },
);

test("fields are not taken from a __proto__", async () => {
  const answer = await send(connectApi(), `{"__proto__": {"username": "a", "password": "b"}}`);
  expect(answer.status).toBe(400);
  expect(Object.keys(answer.body.errors).sort()).toEqual(["__proto__", "password", "username"]);
});

test("a byte order mark is no part of the JSON", async () => {
  const api = connectApi();
  const { username } = await signUp(api);
  const text = `\ufeff${JSON.stringify({ username, password: PASSWORD })}`;
  expect((await send(api, encode(text))).status).toBe(200);
});

/** A login of exactly so many bytes, which needs no database to be refused. */
const ofSize = (size: number) => {
  const frame = JSON.stringify({ username: "", password: "" }).length;
  return JSON.stringify({ username: "x".repeat(size - frame), password: "" });
};

const streamed = (text: string) =>
  new ReadableStream({
    start(controller) {
      for (let at = 0; at < text.length; at += 10_000)
        controller.enqueue(encode(text.slice(at, at + 10_000)));
      controller.close();
    },
  });

describe.each<[string, (text: string) => [BodyInit, Record<string, string>]]>([
  ["with a Content-Length", (text) => [text, { ...json, "Content-Length": String(text.length) }]],
  ["without a Content-Length", (text) => [streamed(text), json]],
])("a body %s", (_, form) => {
  test("may have 64 KiB", async () => {
    const answer = await send(connectApi(), ...form(ofSize(MAX_BYTES)));
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body.errors)).toEqual(["username", "password"]);
  });

  test("of one byte more answers 413, without a database request", async () => {
    const api = connectApi();
    const answer = await send(api, ...form(ofSize(MAX_BYTES + 1)));
    expect(answer.status).toBe(413);
    expect(await api.databaseRequests()).toBe(0);
  });
});

test("what counts of a body is its bytes, not its characters", async () => {
  const text = JSON.stringify({ username: "€".repeat(30_000), password: "" });
  expect((await send(connectApi(), streamed(text))).status).toBe(413);
});

const withBody = [...openRoutes, ...protectedRoutes].filter(({ body }) => body);

describe.each(withBody)("$method $path", (route) => {
  test.each<[string, string | undefined]>([
    ["text/plain", "text/plain"],
    ["a form", "application/x-www-form-urlencoded"],
    ["a form with parts", "multipart/form-data; boundary=x"],
    ["another charset", "application/json; charset=latin1"],
    ["another charset behind a parameter", "application/json; version=1; charset=utf-16"],
    ["another JSON", "application/merge-patch+json"],
    ["a longer type", "application/jsonp"],
    ["a list of types", "text/plain, application/json"],
    ["no type at all", undefined],
  ])("answers 415 to %s, without a database request", async (_, type) => {
    const api = connectApi();
    const { access } = await signUp(api);
    await api.databaseRequests();
    const answer = await api.request(route.method, pathOf(route, 1), undefined, {
      token: access,
      raw: encode(JSON.stringify(route.body)),
      headers: type === undefined ? {} : { "Content-Type": type },
    });
    expect(answer.status).toBe(415);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    expect(await api.databaseRequests()).toBe(0);
  });

  test("answers 400 when there is no body, whatever its type", async () => {
    const { access } = await signUp(connectApi());
    for (const headers of [{}, json]) {
      const answer = await connectApi().request(route.method, pathOf(route, 1), undefined, {
        token: access,
        headers,
      });
      expect(answer.status).toBe(400);
    }
  });
});

test.each([
  "application/json; charset=utf-8",
  "application/json;charset=UTF-8",
  'Application/JSON; charset="utf-8"',
  "application/json; version=1",
  "application/json; version=1; charset=utf-8",
])("%s is JSON", async (type) => {
  const username = unique("typed-");
  const raw = JSON.stringify({ username, email: "typed@example.org", password: PASSWORD });
  const answer = await connectApi().post("/api/auth/register/", undefined, {
    raw,
    headers: { "Content-Type": type },
  });
  expect(answer.status).toBe(201);
});
