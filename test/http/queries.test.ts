import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { idsOf } from "../support/pages.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { postPatient } from "../support/resources.ts";

// test/every-route.test.ts sends an unknown parameter, one of them malformed, to every route.

const nurse = await newAccount();
const jose = await postPatient(nurse, { firstname: "José", lastname: "de la Cruz" });
const list = (query: string) => nurse.get(`/api/patients/?${query}`);

test.each([
  ...["Jos%E9", "%ff", "Jos%", "%", "%zz", "%C", "Jos%E", "%C3", "%C3%28", "%A9", "%80"],
  // Overlong forms of /, NUL and the euro sign; surrogates; above U+10FFFF; five bytes.
  ...[
    "%C0%AF",
    "%C0%80",
    "%F0%82%82%AC",
    "%ED%A0%80",
    "%ED%A0%BD%ED%B8%80",
    "%F4%90%80%80",
    "%F8%88%80%80%80",
  ],
  ...["%u00e9", "a%E9+b", "%FE%FF", "100%", "%%20", "%2"],
])("search=%s is not percent-encoded UTF-8 and gets 400 without a database request", async (value) => {
  await nurse.api.databaseRequests();
  const answer = await list(`limit=1&search=${value}`);
  expect(answer).toEqual(fieldProblem("search"));
  expect(answer.body.errors.search).toEqual(["Must be percent-encoded UTF-8"]);
  expect(answer.body.error_codes.search).toEqual(["malformed_encoding"]);
  expect(await nurse.api.databaseRequests()).toBe(0);
});

test.each(["=1", "gender[]=M", "a b=1", "grace@example.org", "%00=1"])(
  "the name of the unknown parameter %s is no identifier: every route answers unknown_key",
  async (query) => {
    for (const path of ["/api/patients/", "/api/auth/me/"])
      expect(await nurse.get(`${path}?${query}`)).toEqual(fieldProblem("unknown_key"));
  },
);

test.each(["%E9=1", "sear%ffch=jo", "%=", "%zz", "limit=1&%C3=2"])(
  "%s has a name that is not percent-encoded UTF-8 and gets 400 that does not repeat it",
  async (query) => {
    expect(await list(query)).toEqual(fieldProblem("query"));
  },
);

test("all malformed parameters are named at once", async () => {
  expect(await list("search=%E9&gender=%zz&search=%ff&%=1")).toEqual(
    fieldProblem("search", "gender", "query"),
  );
});

test.each([
  ...[
    "jos%C3%A9",
    "jos%c3%a9",
    "JOS%C3%89",
    "José",
    "jose%CC%81",
    "%6a%6Fs%C3%A9",
    "jos%C3%A9+de+la",
    "jos%C3%A9%20de%20la",
  ],
  ...["+jose+", "de++la+cruz"],
])("search=%s finds José de la Cruz", async (value) => {
  const answer = await list(`search=${value}`);
  expect([answer.status, idsOf(answer)]).toEqual([200, [jose.id]]);
});

test.each(["search=a%2B", "search=a%26limit%3D0", "search=%25", "search=a=b", "search=%F0%9F%A9%BA"])(
  "%s is read as one value",
  async (query) => {
    expect(await list(query)).toMatchObject({ status: 200, body: [] });
  },
);

test.each(["", "&", "&&limit=1&", "limit=1&", "%6Cimit=1", "%73earch=jos%C3%A9"])(
  "the query %j is valid",
  async (query) => {
    const answer = await list(query);
    expect([answer.status, idsOf(answer)]).toEqual([200, [jose.id]]);
  },
);

test.each([
  ["limit=1&limit=2", ["limit"]],
  ["limit=1&limit=1", ["limit"]],
  ["limit=x&limit=1&limit=", ["limit"]],
  ["limit=1&%6Cimit=2", ["limit"]],
  ["gender=M&gender=F&search=%20&gender=", ["gender", "search"]],
  ["min_age=1&min_age=50&max_age=40", ["min_age"]],
  ["sort=id&sort=id&cursor=a&cursor=b", ["sort", "cursor"]],
])("of %s each repeated parameter gets one message", async (query, names) => {
  const answer = await list(query);
  expect(answer).toEqual(fieldProblem(...names));
  const { search, ...repeated } = answer.body.errors;
  expect(new Set(Object.values(repeated).flat())).toEqual(new Set(["Given more than once"]));
  if (names.includes("search")) expect(search).toEqual(["Required"]);
});

test("partial=true&partial=false gets 400 and nothing is imported", async () => {
  const raw = '{"firstname": "A", "lastname": "B", "email": "a@example.org", "age": 1, "gender": "U"}';
  const headers = { "Content-Type": "application/x-ndjson" };
  const path = "/api/patients/import/?partial=true&partial=false";
  const answer = await nurse.post(path, undefined, { raw, headers });
  expect(answer).toEqual(fieldProblem("partial"));
  expect(answer.body.errors.partial).toEqual(["Given more than once"]);
  expect(answer.body.error_codes.partial).toEqual(["repeated_parameter"]);
});

test.each(["%00", "a%00", "%00%00", "%20%00"])("search=%s gets one message, about NUL", async (value) => {
  for (const path of ["/api/patients/", "/api/doctors/"])
    expect((await nurse.get(`${path}?search=${value}`)).body.errors).toEqual({
      search: ["Must be well-formed Unicode without NUL"],
    });
});

test.each([
  "=1",
  "=",
  "x",
  "x=",
  "X=1",
  "gender[]=M",
  "gender=M",
  "__proto__=1",
  "constructor=1",
  "%00=1",
  "access_token=x",
])("a route without parameters answers ?%s with 400", async (query) => {
  for (const path of ["/api/auth/me/", "/api/auth/sessions/", `/api/patients/${jose.id}/`]) {
    const { status, body } = await nurse.get(`${path}?${query}`);
    expect([path, status, Object.values(body.errors)]).toEqual([
      path,
      400,
      [["Unknown parameter: this route accepts none"]],
    ]);
  }
});

test("the query of an export is refused by name: it has no filters", async () => {
  expect((await nurse.get("/api/patients/export/?gender=M&search=jo")).body.errors).toEqual({
    gender: ["Unknown parameter: this route accepts bom"],
    search: ["Unknown parameter: this route accepts bom"],
  });
  expect((await nurse.request("HEAD", "/api/patients/export/?gender=M")).status).toBe(400);
  for (const path of ["/api/patients/export/", "/api/patients/"])
    expect((await nurse.get(`${path}?gendre=M`)).body.error_codes).toEqual({ gendre: ["unknown_parameter"] });
});

test.each([
  ["GET", "/api/nothing/", 404],
  ["GET", "/", 404],
  ["POST", "/api/patients/1/2/3/", 404],
  ["POST", "/api/auth/me/", 405],
  ["DELETE", "/api/patients/", 405],
  ["DELETE", "/api/patients/export/", 405],
  ["PATCH", "/api/patients/import/", 405],
  ["GET", "/api/patients/transfer/", 405],
  ["PUT", "/healthz", 405],
  ["GET", "/api/auth/login/", 405],
] as const)("%s %s stays %i whatever the query", async (method, path, status) => {
  for (const query of ["x=1", "limit=1", "x=%E9", "%"])
    expect((await nurse.request(method, `${path}?${query}`)).status).toBe(status);
});

test("without a token the 401 comes first; a preflight is answered whatever its query", async () => {
  const api = connectApi({ CORS_ORIGINS: "*" });
  for (const query of ["x=1", "search=%E9", "limit=0"])
    expect(await api.get(`/api/patients/?${query}`)).toEqual(problem(401));
  expect((await api.request("OPTIONS", "/api/patients/?x=%E9")).status).toBe(204);
});

test("the 400 of an open route has the CORS headers, so that a page can read it", async () => {
  const headers = { Origin: "https://clinic.example" };
  const answer = await connectApi({ CORS_ORIGINS: "*" }).post("/api/auth/login/?x=1", {}, { headers });
  expect(answer).toEqual(fieldProblem("x"));
  expect(answer.headers.get("Access-Control-Allow-Origin")).toBe("*");
});
