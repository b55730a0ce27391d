import * as fc from "fast-check";
import { routeRequests } from "../requests.ts";
import type { Options } from "../support/api.ts";
import { type RouteRequest, routeMethod } from "../support/route-requests.ts";
import { hostileNames } from "../support/text.ts";
import { fieldsOf } from "./arbitraries.ts";
import { bodyOf, operationOf, queryOf } from "./operations.ts";

// Malformed requests. They refer to no record but the sender's own, because what they change stays changed.

/** Who sends a request. */
const senders = ["nobody", "clinician", "another clinician", "admin", "disabled"] as const;
export type Sender = (typeof senders)[number];

/** A request to a route: the differences from the route's valid request. */
export interface Attempt {
  sender: Sender;
  /** Method and path, as in `requests`. */
  route: string;
  method: string;
  /** In place of the record's own id in the path. */
  id: string | undefined;
  suffix: string;
  query: string;
  headers: Record<string, string>;
  body: Options["raw"] | Record<string, unknown> | undefined;
}

// Without CONNECT, TRACE and TRACK, which fetch does not send.
const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "SEARCH", "PURGE"];

/** Numbers that are the id of no record. */
const numbers = [0, -0, -1, 0.1, 1.5, 2 ** 31 - 1, 2 ** 31, 2 ** 53, -(2 ** 63), 1e21, 1e308, 5e-324];

const text = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constantFrom<string>(...hostileNames));

/** JSON without numbers that could be the id of another account's record. */
const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(null, true, false, "", "\0", "\ud800", ...numbers),
    text,
    fc.array(tie("json"), { maxLength: 5 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "toJSON")), tie("json"), {
      maxKeys: 5,
    }),
  ),
}));

/** Deeply nested arrays or objects. */
const deep = fc
  .tuple(fc.constantFrom(["[", "]"], ['{"a":', "}"]), fc.integer({ min: 100, max: 10_000 }))
  .map(([[open = "", close = ""], times]) => `${open.repeat(times)}1${close.repeat(times)}`);

const bodies = (request: RouteRequest) => {
  const names = Object.keys(fieldsOf(bodyOf(request) ?? {}));
  const changed =
    names.length > 0 ? [fc.dictionary(fc.constantFrom(...names), json, { minKeys: 1, maxKeys: 2 })] : [];
  const raw = fc.oneof(
    fc.uint8Array({ maxLength: 200 }) as fc.Arbitrary<Uint8Array<ArrayBuffer>>,
    fc.oneof(json, ...changed).map((value) => JSON.stringify(value) ?? ""),
    text,
    deep,
    fc.constantFrom("1e400", '{"id":1,"id":2}', "﻿{}", "", "null"),
  );
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 3, arbitrary: raw },
    ...changed,
  );
};

/** Text in place of an id in a path, percent-encoded or not. */
const ids = fc.oneof(
  fc.constantFrom(
    ...numbers.map(String),
    "1%00",
    "%2e%2e",
    "..%2f",
    "%",
    "%zz",
    "%ff",
    "1;",
    "a".repeat(2000),
    "٣",
    "0x1",
  ),
  text.map((text) => encodeURIComponent(text.toWellFormed())),
);

const queries = (request: RouteRequest) => {
  const names = Object.keys(queryOf(request));
  const name = fc.oneof(fc.string(), ...(names.length > 0 ? [fc.constantFrom(...names)] : []));
  const pairs = fc.array(fc.tuple(name, fc.oneof(text, fc.constantFrom(...numbers.map(String)))), {
    maxLength: 3,
  });
  const wellFormed = pairs.map(
    (all) => new URLSearchParams(all.map(([name, value]) => [name, value.toWellFormed()])),
  );
  return fc.oneof(
    fc.constant(""),
    wellFormed.map(String),
    fc.webQueryParameters(),
    fc.constantFrom("%", "a=%ff", "=&=&&", "__proto__=1", "%C3%28=1", "limit=1&limit=2", "x=%ED%A0%80&y=1"),
  );
};

/** Any text that a header can have: no line ends, and ASCII only, because workerd would encode the rest as UTF-8. */
const headerText = fc.stringMatching(/^[\t -~]*$/);
const readHeaders = [
  "Accept",
  "Accept-Encoding",
  "Authorization",
  "Content-Encoding",
  "Content-Length",
  "Content-Type",
];
const otherHeaders = [
  "Cookie",
  "Expect",
  "Host",
  "If-Modified-Since",
  "Origin",
  "Range",
  "X-HTTP-Method-Override",
  "X-Forwarded-For",
];

const headersOf = (request: RouteRequest) => {
  const own = operationOf(request).parameters?.filter((parameter) => parameter.in === "header") ?? [];
  const name = fc.constantFrom(...own.map(({ name }) => name), ...readHeaders, ...otherHeaders);
  const value = fc.oneof(
    headerText,
    fc.constantFrom(
      "*",
      '"1"',
      'W/"1", "2"',
      ', "1-gzip",,',
      ",",
      "application/json",
      "text/csv",
      "text/csv;q=0, */*",
    ),
    fc.constantFrom(
      "Bearer a.b.c",
      "Bearer",
      "Basic YTpi",
      "gzip",
      "identity",
      "application/json; charset=utf8",
    ),
  );
  return fc.oneof(fc.constant({}), fc.dictionary(name, value, { maxKeys: 3 }));
};

export const attempts: fc.Arbitrary<Attempt> = fc.constantFrom(...routeRequests).chain((request) =>
  fc.record({
    route: fc.constant(request.route),
    sender: fc.constantFrom(...senders),
    method: fc.oneof(fc.constant(routeMethod(request)), fc.constantFrom(...methods)),
    id: fc.oneof(fc.constant(undefined), ids),
    suffix: fc.oneof(
      { weight: 5, arbitrary: fc.constant("") },
      fc.webPath(),
      fc.constantFrom("//", "/..", "/%2f", "%00"),
    ),
    query: queries(request),
    headers: headersOf(request),
    body: bodies(request),
  }),
);
