import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { newPatient } from "../support/resources.ts";

// Every route reads its body in the same way; login refuses these bodies without a database request.
const api = connectApi();
const nurse = await newAccount();
const json = { "Content-Type": "application/json" };
const send = (raw: BodyInit, headers: Record<string, string> = json) =>
  api.post("/api/auth/login/", undefined, { raw, headers });
const encode = (text: string) => new TextEncoder().encode(text);
const login = '{"username": "", "password": "a"}'; // once it is read, its username is refused

test.each([
  ...["", "  \n", "{", "{}{}", "{'username': 'a'}", '{"username": "a",}', '{} // "username"', "username=a"],
  ...['{"username": NaN}', '{"username": "a\nb"}', "[".repeat(10_000)],
])("%j is not well-formed JSON and gets 400 without field errors", async (raw) => {
  const { status, body } = await send(raw);
  expect([status, Object.keys(body)]).toEqual([
    400,
    ["type", "title", "status", "code", "detail", "request_id"],
  ]);
  expect(await api.databaseRequests()).toBe(0);
});

test.each(["7b22fffe223a317d", "226a6f73e922", "22c08022", "22eda08022", "7b007d00"])(
  "the bytes %s are not UTF-8 and get 400",
  async (bytes) => {
    const { status, body } = await send(Uint8Array.fromHex(bytes));
    expect(status).toBe(400);
    expect(body.detail).toMatch(/^The body is not well-formed (JSON in )?UTF-8\.$/);
  },
);

test.each([
  ...["[]", '[{"username": "a"}]', '"a"', "7", "null", "true", "[".repeat(10_000) + "]".repeat(10_000)],
])("%.30s is not a JSON object and gets 400", async (raw) => {
  expect(await send(raw)).toEqual(fieldProblem("body"));
});

test.each([
  ...[
    '{"username": "", "username": ""}',
    '{"username": "", "\\u0075sername": ""}',
    '{"a": 1, "b": {}, "a": 1}',
  ],
  ...['[{"a": [{"b": 1, "c": 2, "b": 3}]}]', '{"a": {"b": {"c": 1, "c": 1}}}', '{"": 1, "": 1}'],
  ...['{"__proto__": 1, "__proto__": 2}', '{"a\\"": 1, "a\\u0022": 2}', '{"a\\\\":1,"b":"\\\\","a\\\\":2}'],
  ...['{"length": 1, "length": 1}', `${'{"a":'.repeat(10_900)}{"b":1,"b":1}${"}".repeat(10_900)}`],
])("%.60s has a key twice and gets 400 with that reason", async (raw) => {
  expect(await send(raw)).toEqual(problem(400, "The body has a duplicate key in an object."));
});

test.each([
  ...[
    '{"a": {"a": {"a": 1}}}',
    '{"a": [{"a": 1}, {"a": 1}]}',
    '{"a": "\\"a\\": 1, \\"a\\": 2"}',
    '{"a:a": ":"}',
  ],
  ...['{"a": 1, "A": 1, "a ": 1}', '{"a\\\\": ":", "\\\\": "\\\\\\":"}', '{"__proto__": {"__proto__": 1}}'],
  ...[`[${'{"a":'.repeat(10_900)}1${"}".repeat(10_900)}]`],
])("%.60s has no key twice and is read", async (raw) => {
  expect((await send(raw)).body.detail).toMatch(/^\d fields? (is|are) not valid\.$/);
});

test("a value that is nested 10,000 levels deep gets 400 for its type", async () => {
  const deep = `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`;
  expect(await send(`{"username": ${deep}, "password": "a"}`)).toEqual(fieldProblem("username"));
});

test("1e400, constructor and __proto__ are refused by field", async () => {
  const odd = '"age":1e400, "constructor":1, "__proto__":{}';
  const raw = JSON.stringify(newPatient({ age: 0 })).replace('"age":0', odd);
  const { status, body } = await nurse.post("/api/patients/", undefined, { raw, headers: json });
  expect([status, Object.keys(body.errors).sort()]).toEqual([400, ["__proto__", "age", "constructor"]]);
});

test("a byte order mark before the JSON is ignored", async () => {
  const raw = encode(`\ufeff${JSON.stringify(newPatient())}`);
  expect((await nurse.post("/api/patients/", undefined, { raw, headers: json })).status).toBe(201);
});

/** A login body of `size` bytes with a long username, and of fewer characters. */
const ofBytes = (size: number) =>
  encode(login.replace('""', `"${"€".repeat(20_000)}"`).padEnd(size - 40_000));

test.each<[string, (sent: Uint8Array) => [BodyInit, Record<string, string>]]>([
  ["with", (sent) => [sent, { ...json, "Content-Length": String(sent.length) }]],
  ["without", (sent) => [new Blob([sent]).stream(), json]],
])("a body %s a Content-Length may have 64 KiB; one byte more gets 413", async (_, form) => {
  const [most, more] = [ofBytes(65_536), ofBytes(65_537)];
  expect([most.length, more.length]).toEqual([65_536, 65_537]);
  expect(await send(...form(most))).toEqual(fieldProblem("username"));
  const { status, body } = await send(...form(more));
  expect([status, body.detail]).toEqual([413, "The body is larger than 64 KiB."]);
  expect(await api.databaseRequests()).toBe(0);
});

test.each([
  ...["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
  ...["application/json; charset=latin1", "application/json; version=1; charset=utf-16"],
  ...[
    "application/json ; charset=latin1",
    'application/json; charset="utf-16"',
    "application/json charset=utf-8",
  ],
  ...[
    "application/json; charset=utf-8; charset=latin1",
    "application/json; charset = utf-8",
    "application/json,",
  ],
  ...[
    "application/json; charset=utf-16",
    "application/json; charset=utf-7",
    "application/json; charset=utf-88",
  ],
  ...[
    "application/json; charset=iso-8859-1",
    "application/json; charset=windows-1252",
    "application/json; charset=",
  ],
  ...[
    'application/json; charset=""',
    "application/json; charset='utf-8'",
    'application/json; charset="utf-8',
  ],
  ...[
    "application/json; charset=utf-8, application/json; charset=utf-8",
    "application/json, application/json",
  ],
  ...["application/json; charset=utf8; charset=latin1", "application/json; a", "json", "application/", "*/*"],
  ...["application/merge-patch+json", "application/jsonp", "text/plain, application/json"],
])("a body of the type %j gets 415", async (type) => {
  expect((await send(login, { "Content-Type": type })).status).toBe(415);
});

test.each([
  ...["application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8"],
  ...['Application/JSON; charset="utf-8"', "application/json; version=1; charset=utf-8"],
  ...["application/json ; charset=utf-8", "application/json\t;\tcharset=utf-8 ", " application/json;"],
  ...["application/json ;; charset=utf-8 ; ", 'application/json; profile="a; b"; charset=utf-8'],
  ...["application/json; charset=utf8", "application/json;charset=UTF8", 'application/json; charset="utf8"'],
  ...[
    "application/json; charset=us-ascii",
    'application/json; CHARSET="US-ASCII"',
    "application/json;charset=ascii",
  ],
  ...['application/json; profile="a\\"; charset=x"; charset=utf-8', "application/json; $v!=1; boundary=a/b"],
  ...["APPLICATION/JSON;CharSet=Utf-8", "application/json; charset=utf-8; charset=us-ascii"],
])("a body of the type %j is read", async (type) => {
  expect(await send(login, { "Content-Type": type })).toEqual(fieldProblem("username"));
});

test.each([
  "gzip",
  "GZIP",
  "br",
  "deflate",
  "zstd",
  "x-gzip",
  "compress",
  "gzip, identity",
  "identity, gzip",
  "identity;q=1",
  "utf-8",
  "*",
])("a body with Content-Encoding: %s gets 415, which asks for identity", async (coding) => {
  for (const raw of [login, encode(login), ""]) {
    const answer = await send(raw, { ...json, "Content-Encoding": coding });
    expect(answer).toEqual(
      problem(415, "The body must not be compressed: send it without Content-Encoding."),
    );
    expect(answer.headers.get("Accept-Encoding")).toBe("identity");
  }
});

test("a body that is really gzip gets 415 with Content-Encoding, and 400 without", async () => {
  const raw = await new Response(
    new Blob([login]).stream().pipeThrough(new CompressionStream("gzip")),
  ).arrayBuffer();
  expect(await send(raw, { ...json, "Content-Encoding": "gzip" })).toEqual(problem(415));
  expect(await send(raw)).toEqual(problem(400, "The body is not well-formed UTF-8."));
});

test.each(["identity", "Identity", " identity ", "identity, identity", "", " , ", ",identity,"])(
  "a body with Content-Encoding: %j is read",
  async (coding) => {
    expect(await send(login, { ...json, "Content-Encoding": coding })).toEqual(fieldProblem("username"));
  },
);

test("another media type gets 415 without Accept-Encoding: the coding is not what is wrong", async () => {
  const { status, headers } = await send(login, { "Content-Type": "text/plain" });
  expect([status, headers.get("Accept-Encoding")]).toEqual([415, null]);
});
