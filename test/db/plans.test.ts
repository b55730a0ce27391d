import { beforeAll, describe, expect, test } from "vitest";
import { requests } from "../requests.ts";
import { newAccount } from "../support/accounts.ts";
import { enter, inVain, type Node, nodesOf, reads, type Step, statement } from "../support/explain.ts";
import { type List, lists, pageAfter } from "../support/pages.ts";
import { newDoctor, newPatient } from "../support/records.ts";
import { send } from "../support/route-requests.ts";
import { recordStatements, type Statement } from "../support/statements.ts";

const tables = [
  "doctors",
  "emergency_accesses",
  "idempotency_keys",
  "invitations",
  "login_attempts",
  "mappings",
  "patients",
  "refresh_tokens",
  "sessions",
  "users",
];
const takeStatistics = { run: statement(`ANALYZE ${tables}`) };

/** A hundred thousand doctors and patients, of whom one account has half, among those of a thousand others; and as many assignments. */
const fill = (bigAccount: number): Step[] =>
  [
    statement(`INSERT INTO users (username, email, password_hash)
      SELECT 'fill-' || n, n || '@fill.example.org', repeat('x', 60) FROM generate_series(1, 1000) n`),
    statement("ANALYZE users"), // for the joins below, which are the test's
    statement(`INSERT INTO sessions (user_id, token_version, expires_at)
      SELECT u.id, 1, now() + interval '1 day' FROM users u, generate_series(1, 10) WHERE username LIKE 'fill-%'`),
    statement(`INSERT INTO refresh_tokens (token_hash, session_id)
      SELECT encode(sha256(s.id::text::bytea), 'hex'), s.id
      FROM sessions s JOIN users u ON u.id = s.user_id WHERE username LIKE 'fill-%'`),
    statement(`INSERT INTO idempotency_keys (account_id, key, fingerprint, answer)
      SELECT u.id, n, repeat('0', 64), '{}' FROM users u, generate_series(1, 10) n WHERE username LIKE 'fill-%'`),
    statement(`INSERT INTO login_attempts (username, network, failures, failed_at, blocked_until)
      SELECT CASE n % 2 WHEN 0 THEN '' ELSE 'fill-' || n END, n::text, 0, now(), now() FROM generate_series(1, 20000) n`),
    statement(`INSERT INTO invitations (email, role, code_hash, created_by, expires_at)
      SELECT email, 'clinician', encode(sha256(id::text::bytea), 'hex'), id, now() FROM users WHERE username LIKE 'fill-%'`),
    statement(
      `INSERT INTO doctors (firstname, lastname, email, gender, specialization, created_by)
       SELECT 'Gregory', 'House' || n % 1000, n || '@fill.example.org', 'M', 'NEUR', $1::int FROM generate_series(1, 100000) n`,
      bigAccount,
    ),
    statement(
      `INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id)
       SELECT 'Ada', 'Lovelace' || n % 1000, n || '@fill.example.org', 36, 'F', u.id, CASE n % 2 WHEN 0 THEN $1::int ELSE u.id END
       FROM generate_series(1, 100000) n JOIN users u ON u.username = 'fill-' || (n / 2 % 1000 + 1) ORDER BY n`,
      bigAccount,
    ),
    statement(`INSERT INTO patients (firstname, lastname, email, age, gender, created_by, deleted_from, deleted_at)
      SELECT firstname, lastname, email, age, gender, created_by, owner_id, now() FROM patients WHERE email LIKE '%@fill.example.org'`),
    statement(`INSERT INTO emergency_accesses (account_id, patient_id, expires_at)
      SELECT u.id, p.id, now() FROM patients p, users u WHERE u.username = 'fill-1' AND p.id % 10 = 0`),
    statement(`INSERT INTO mappings (patient_id, owner_id, doctor_id)
      SELECT p.id, p.owner_id, d.first + p.id % 100000
      FROM patients p, (SELECT min(id) AS first FROM doctors WHERE email LIKE '%@fill.example.org') d
      WHERE p.email LIKE '%@fill.example.org' AND p.owner_id IS NOT NULL ORDER BY p.id`),
  ].map((run) => ({ run }));

/** What the foreign keys ask when a record goes: PostgreSQL sends these by itself. */
const ofForeignKeys = [
  statement("SELECT 1 FROM mappings WHERE current_doctor_id = $1 FOR KEY SHARE", 1),
  statement("UPDATE mappings SET owner_id = $1 WHERE owner_id = $2 AND patient_id = $3", 1, 1, 1),
  statement("DELETE FROM mappings WHERE patient_id = $1", 1),
  statement("DELETE FROM emergency_accesses WHERE patient_id = $1", 1),
  statement("DELETE FROM refresh_tokens WHERE session_id = $1", crypto.randomUUID()),
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

/** The filters of each list, with what they are for here. */
const filters: Record<List, Record<string, string | number>> = {
  patients: { search: "ada", gender: "F", min_age: 1, max_age: 99, doctor: 7 },
  doctors: { search: "house", specialization: "NEUR", patient: 7 },
  mappings: { patient: 7, doctor: 7 },
};
const keys: Record<string, string | null> = {
  id: null,
  lastname: "lovelace ada",
  created_at: "2020-01-01T00:00:00.000Z",
};

/** A place in the middle of all lists. */
const FAR = 50_000;

/** What can be asked of a list: no filter, each and all of them. */
const asking = (list: List) => [
  {},
  ...Object.entries(filters[list]).map(([name, value]) => ({ [name]: value })),
  filters[list],
];
const pagesOf = (list: List, asked: Record<string, string | number>[]) =>
  Object.keys(keys)
    .filter((sort) => list !== "mappings" || sort !== "lastname")
    .flatMap((sort) => [sort, `-${sort}`])
    .flatMap((sort) => asked.map((filter) => ({ ...filter, sort })))
    .flatMap((asked) => [first(list, asked), far(list, asked)]);

/** Pages of each list in all its orders: the first page, and one far behind it. */
const everybodys = await Promise.all([
  ...lists.flatMap((list) => pagesOf(list, asking(list))),
  ...pagesOf("patients", [{ deleted: "true" }, { ...filters.patients, deleted: "true" }]),
]);
/** Those that an admin gets otherwise. */
const admins = await Promise.all(pagesOf("mappings", [{ doctor: 7 }, filters.mappings]));
const pages = [...everybodys, ...admins];

type Look = { list: List; asked: Record<string, string | number>; path: string };

async function first(list: List, asked: Look["asked"]): Promise<Look> {
  const query = new URLSearchParams(Object.entries(asked).map(([name, value]) => [name, String(value)]));
  return { list, asked, path: `/api/${list}/?limit=50&${query}` };
}

async function far(list: List, asked: Look["asked"]): Promise<Look> {
  const key = keys[String(asked["sort"]).replace("-", "")] ?? null;
  return { list, asked, path: await pageAfter(list, FAR, 50, asked, key) };
}

let statements: Statement[];
let plans: Node[][];
/** The plans of the pages, with statistics from before the tables grew, and with those of today. */
let stale: Node[][];
let fresh: Node[][];
beforeAll(async () => {
  const [big, admin] = [await newAccount(), await newAccount(undefined, "admin")];
  statements = [...(await statementsOfTheApi()), ...ofForeignKeys];
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
  test("every page, in every order and by every filter, comes from an index in its order: nothing is sorted", () => {
    const looks = pages.map(({ path, asked }, index) => ({ path, asked, nodes: ofThen()[index] ?? [] }));
    expect(looks.filter(({ nodes }) => nodes.length === 0)).toEqual([]);
    const offending = looks.filter(({ nodes }) => {
      const taken = nodes.filter((node) => node["Subplan Name"] === "CTE taken").flatMap(nodesOf);
      return taken.length === 0 || taken.some((node) => /Sort|Seq Scan/.test(node["Node Type"]));
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
      // A few for the caller and the index, one for each row at most, and for an assignment its patient and its doctor.
      const touched = (nodes[0]?.["Shared Hit Blocks"] ?? 0) + (nodes[0]?.["Shared Read Blocks"] ?? 0);
      expect(touched).toBeLessThanOrEqual(list === "mappings" ? 70 + 50 * 8 : 70 + 50 * 4);
    }
  });
});
