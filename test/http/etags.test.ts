import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { fieldProblem } from "../support/problems.ts";
import { postPatient } from "../support/resources.ts";

// The form of If-Match and If-None-Match, which all records share.

const nurse = await newAccount();
const { id } = await postPatient(nurse);
const path = `/api/patients/${id}/`;
const getIfMatch = (etags: string) => nurse.get(path, { headers: { "If-Match": etags } });
const getIfNoneMatch = (etags: string) => nurse.get(path, { headers: { "If-None-Match": etags } });

test.each([
  ...["-gzip", "-br", "-zstd", "-deflate", "-df", "--gzip", "--br", ";gzip", ";gz", ";br", "-gzip-gzip"],
])('"1%s" of a proxy that compresses counts as "1"', async (suffix) => {
  for (const etag of [`"1${suffix}"`, `W/"1${suffix}"`]) {
    expect([etag, (await getIfNoneMatch(etag)).status]).toEqual([etag, 304]);
    expect([etag, (await getIfMatch(etag)).status]).toEqual([etag, 200]);
  }
});

test.each([
  "1-",
  "1gzip",
  "1-x",
  "1-gzipx",
  "-gzip",
  "1---gzip",
  "11-gzip",
  "1-2",
  "1.",
  "1.x",
  "1.1000",
  "01",
  "1-GZIP",
  "",
])('an ETag "%s" counts as no version', async (tag) => {
  expect((await getIfMatch(`"${tag}"`)).status).toBe(412);
  expect((await getIfNoneMatch(`"${tag}"`)).status).toBe(200);
});

test.each([
  ', "1",, "2"',
  '"1",',
  ',"1"',
  ' , ,\t"1" ,, ',
  '"a,b",,"1"',
  ',,,W/"1",,,',
  '"2","1"',
  '"1"\t,\t"x"',
])('the list %j contains "1"', async (etags) => {
  expect((await getIfNoneMatch(etags)).status).toBe(304);
  expect((await getIfMatch(etags)).status).toBe(200);
});

test.each([',, "2",', '"a,1,b"', '"a", "\'1\'"', '"1,2"'])(
  'the list %j does not contain "1"',
  async (etags) => {
    expect((await getIfNoneMatch(etags)).status).toBe(200);
    expect((await getIfMatch(etags)).status).toBe(412);
  },
);

test.each([
  ...[
    "",
    " ",
    ",",
    " , ,, ",
    "1",
    '"1',
    "W/1",
    '"1" "2"',
    '"1 -gzip"',
    '"1"-gzip',
    "*, *",
    '*, "1"',
    '"1", *',
    "*,",
  ],
  ...[
    ",*",
    '"a b"',
    'w/"1"',
    'W/ "1"',
    '"1"x',
    '"1";"2"',
    "'1'",
    `${",".repeat(10_000)}x`,
    `"1",${" ".repeat(100_000)}x`,
  ],
])("%.20j is no list of ETags and gets 400 without a database request", async (etags) => {
  await nurse.api.databaseRequests();
  expect(await getIfMatch(etags)).toEqual(fieldProblem("If-Match"));
  expect(await getIfNoneMatch(etags)).toEqual(fieldProblem("If-None-Match"));
  expect(await nurse.api.databaseRequests()).toBe(0);
});
