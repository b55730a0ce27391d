import { beforeAll, describe, expect, test } from "vitest";
import { requests } from "../requests.ts";
import { newAccount } from "../support/accounts.ts";
import { enter, inVain, type Node, nodesOf, reads, sortsMore, statement } from "../support/explain.ts";
import { fill, tables, takeStatistics } from "../support/filling.ts";
import { asking, filters, type Look, pagesOf } from "../support/looks.ts";
import { lists } from "../support/pages.ts";
import { newDoctor, newPatient } from "../support/records.ts";
import { send } from "../support/route-requests.ts";
import { recordStatements, type Statement } from "../support/statements.ts";

/** What the foreign keys ask when a record goes: PostgreSQL sends these by itself. */
const ofForeignKeys = [
  statement("SELECT 1 FROM mappings WHERE current_doctor_id = $1 FOR KEY SHARE", 1),
  statement("UPDATE mappings SET owner_id = $1 WHERE owner_id = $2 AND patient_id = $3", 1, 1, 1),
  statement("DELETE FROM mappings WHERE patient_id = $1", 1),
  statement("DELETE FROM emergency_accesses WHERE patient_id = $1", 1),
  statement("DELETE FROM refresh_tokens WHERE session_id = $1", crypto.randomUUID()),
];

/** What functions ask that statements call (drizzle/0005_who_gets_in.sql). */
const ofFunctions = [
  statement("SELECT * FROM idempotency_keys WHERE account_id = $1 AND key = $2::text", 1, "key"),
  statement(`SELECT FROM users WHERE lower(username COLLATE "C") = lower($1 COLLATE "C")`, "ada"),
  statement(`SELECT FROM doctors WHERE lower(email COLLATE "C") = lower($1 COLLATE "C")`, "ada"),
  statement(
    `SELECT FROM patients WHERE lower(email COLLATE "C") = ANY ($1::text[]) AND owner_id = $2`,
    "{ada}",
    1,
  ),
  statement("SELECT FROM mappings WHERE patient_id = $1 AND doctor_id = $2", 1, 1),
];

/** The statements that the API sends to answer a request of every route, each once. */
async function statementsOfTheApi(): Promise<Statement[]> {
  const account = await newAccount();
  const recorded: Statement[] = [];
  for (const request of requests) {
    const account = await newAccount();
    const about = (await request.subject?.(account)) ?? {};
    recorded.push(...(await recordStatements(() => send(account, request, about))));
  }
  const headers = { "Idempotency-Key": "plans" };
  for (const [path, body] of Object.entries({ patients: newPatient(), doctors: newDoctor() }))
    recorded.push(...(await recordStatements(() => account.post(`/api/${path}/`, body, { headers }))));
  return [...new Map(recorded.map((one) => [one.query, one])).values()];
}

/** Pages of each list in all its orders: the first page, and one far behind it. */
const everybodys = await Promise.all([
  ...lists.flatMap((list) => pagesOf(list, asking(list))),
  ...pagesOf("patients", [{ deleted: "true" }, { ...filters.patients, deleted: "true" }]),
]);
/** Those that an admin gets otherwise. */
const admins = await Promise.all(pagesOf("mappings", [{ doctor: 7 }, filters.mappings]));
const pages = [...everybodys, ...admins];

let statements: Statement[];
let plans: Node[][];
/** The plans of the pages, with statistics from before the tables grew, and with those of today. */
let stale: Node[][];
let fresh: Node[][];
beforeAll(async () => {
  const [big, admin] = [await newAccount(), await newAccount(undefined, "admin")];
  statements = [...(await statementsOfTheApi()), ...ofForeignKeys, ...ofFunctions];
  const ofPages = await recordStatements(async () => {
    for (const { path } of everybodys) await big.get(path);
    for (const { path } of admins) await admin.get(path);
  });
  const look = ofPages.map((explain, index) => ({ explain, analyze: isNarrow(pages[index]) }));
  const filled = [takeStatistics, ...enter(big), ...enter(admin, "admin"), ...fill(big.id)];
  const explained = statements.map((explain) => ({ explain }));
  plans = await inVain([...filled, ...look, takeStatistics, ...look, ...explained]);
  [stale, fresh] = [plans.splice(0, pages.length), plans.splice(0, pages.length)];
}, 120_000);

/** The statements whose plans have nodes of a kind, with those nodes. */
const withNodes = (isOffending: (node: Node) => boolean) =>
  plans
    .map((nodes, index) => ({ query: statements[index]?.query, nodes: nodes.filter(isOffending) }))
    .filter(({ nodes }) => nodes.length > 0);

test("no statement of the API reads a whole table", () => {
  expect(withNodes((node) => node["Node Type"] === "Seq Scan")).toEqual([]);
});

test("no statement of the API reads a whole index", () => {
  const whole = (node: Node) => reads(node) && /^Index/.test(node["Node Type"]) && !node["Index Cond"];
  expect(withNodes(whole)).toEqual([]);
});

test("all tables are read by the statements that were looked at", () => {
  // The record is looked at by itself, in record-plans.test.ts.
  const read = withNodes(reads).flatMap(({ nodes }) => nodes.map((node) => node["Relation Name"]));
  const others = [...new Set(read)].filter((name) => !name?.startsWith("audit_events"));
  expect(others.sort()).toEqual(tables);
});

/** Whether an index leads to just the rows of the page: no filter, or one that has its own. */
function isNarrow(look: Look | undefined): boolean {
  // What is deleted is in indexes of its own.
  const narrowed = Object.keys(look?.asked ?? {}).filter((name) => !["sort", "deleted"].includes(name));
  const [filter, ...more] = narrowed;
  const isById = String(look?.asked["sort"]).endsWith("id");
  const own = { patients: ["doctor"], doctors: ["patient"], mappings: ["patient", "doctor"] }[
    look?.list ?? "patients"
  ];
  return filter === undefined || (more.length === 0 && isById && own.includes(filter));
}

describe.each([
  ["of today", () => fresh],
  ["from before the tables grew", () => stale],
])("with statistics %s, of a hundred thousand records,", (_, ofThen) => {
  test("every page, in every order and by every filter, comes from an index in its order: nothing is sorted but the first rows of several", () => {
    const looks = pages.map(({ path, asked }, index) => ({ path, asked, nodes: ofThen()[index] ?? [] }));
    expect(looks.filter(({ nodes }) => nodes.length === 0)).toEqual([]);
    const offending = looks.filter(({ nodes }) => {
      const taken = nodes.filter((node) => node["Subplan Name"] === "CTE taken").flatMap(nodesOf);
      return taken.length === 0 || taken.some((node) => node["Node Type"] === "Seq Scan" || sortsMore(node));
    });
    expect(offending.map(({ asked, path }) => [path, asked])).toEqual([]);
  });

  test("a page without a filter, or by one that has an index of its own, reads no other rows", () => {
    for (const [index, { list, path, asked }] of pages.entries()) {
      if (!isNarrow(pages[index])) continue;
      const nodes = ofThen()[index] ?? [];
      const read = nodes
        .filter((node) => reads(node) && node["Relation Name"] === list && node["Actual Loops"] === 1)
        .map((node) => (node["Actual Rows"] ?? 0) + (node["Rows Removed by Filter"] ?? 0));
      expect([path, asked, read.filter((rows) => rows > 52)]).toEqual([path, asked, []]);
      // Nothing is looked for on a doctor's paths: these are no doctor's accounts.
      const ofDoctors = nodes.filter(
        (node) => !asked["doctor"] && node["Index Name"]?.startsWith("mappings_doctor_"),
      );
      expect([path, ofDoctors.filter((node) => node["Actual Loops"] !== 0)]).toEqual([path, []]);
      // A few for the caller and the index, one for each row at most, and for an assignment its patient and its doctor.
      const touched = (nodes[0]?.["Shared Hit Blocks"] ?? 0) + (nodes[0]?.["Shared Read Blocks"] ?? 0);
      expect(touched).toBeLessThanOrEqual(list === "mappings" ? 70 + 50 * 8 : 70 + 50 * 4);
    }
  });
});
