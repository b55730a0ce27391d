import { beforeAll, describe, expect, test } from "vitest";
import { requests } from "../requests.ts";
import { newAccount } from "../support/accounts.ts";
import { inVain, type Node, reads, type Step } from "../support/explain.ts";
import { lists, pageAfter } from "../support/pages.ts";
import { send } from "../support/route-requests.ts";
import { recordStatements, type Statement } from "../support/statements.ts";

const statement = (query: string, ...params: unknown[]): Statement => ({ query, params });
const tables = ["doctors", "mappings", "patients", "refresh_tokens", "sessions", "users"];
const takeStatistics = { run: statement(`ANALYZE ${tables}`) };

/** An account of the API's database, here too: plans are looked at where nobody else is kept waiting. */
const enter = ({ id, sid }: { id: number; sid: string }): Step[] =>
  [
    statement(
      `INSERT INTO users (id, username, email, password_hash) OVERRIDING SYSTEM VALUE
       VALUES ($1, 'big', 'big@fill.example.org', repeat('x', 60))`,
      id,
    ),
    statement("SELECT setval(pg_get_serial_sequence('users', 'id'), 1000000)"),
    statement(
      "INSERT INTO sessions (id, user_id, token_version, expires_at) VALUES ($1, $2, 1, 'infinity')",
      sid,
      id,
    ),
  ].map((run) => ({ run }));

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
    statement(
      `INSERT INTO doctors (firstname, lastname, email, gender, specialization, created_by)
       SELECT 'Gregory', 'House', n || '@fill.example.org', 'M', 'NEUR', $1::int FROM generate_series(1, 100000) n`,
      bigAccount,
    ),
    statement(
      `INSERT INTO patients (firstname, lastname, email, age, gender, created_by)
       SELECT 'Ada', 'Lovelace', n || '@fill.example.org', 36, 'F', CASE n % 2 WHEN 0 THEN $1::int ELSE u.id END
       FROM generate_series(1, 100000) n JOIN users u ON u.username = 'fill-' || (n / 2 % 1000 + 1) ORDER BY n`,
      bigAccount,
    ),
    statement(`INSERT INTO mappings (patient_id, owner_id, doctor_id)
      SELECT p.id, p.created_by, d.first + p.id % 100000
      FROM patients p, (SELECT min(id) AS first FROM doctors WHERE email LIKE '%@fill.example.org') d
      WHERE p.email LIKE '%@fill.example.org' ORDER BY p.id`),
  ].map((run) => ({ run }));

/** What the foreign keys ask when a record goes: PostgreSQL sends these by itself. */
const ofForeignKeys = [
  statement("SELECT 1 FROM mappings WHERE doctor_id = $1 FOR KEY SHARE", 1),
  statement("DELETE FROM mappings WHERE owner_id = $1 AND patient_id = $2", 1, 1),
  statement("DELETE FROM refresh_tokens WHERE session_id = $1", crypto.randomUUID()),
];

/** The statements that the API sends to answer a request of every route, each once. */
async function statementsOfTheApi(): Promise<Statement[]> {
  const account = await newAccount();
  const recorded: Statement[] = [];
  for (const request of requests) {
    const about = (await request.subject?.(account)) ?? {};
    recorded.push(...(await recordStatements(() => send(account, request, about))));
  }
  return [...new Map(recorded.map((one) => [one.query, one])).values()];
}

/** A place in the middle of all lists. */
const FAR = 50_000;

/** Pages of each list, the first one and one far behind it. */
const pages = lists.flatMap((list) => [`/api/${list}/?limit=50`, pageAfter(list, FAR, 50)]);

let statements: Statement[];
let plans: Node[][];
/** The plans of the pages, with statistics from before the tables grew, and with those of today. */
let stale: Node[][];
let fresh: Node[][];
beforeAll(async () => {
  const big = await newAccount();
  statements = [...(await statementsOfTheApi()), ...ofForeignKeys];
  const ofPages = await recordStatements(async () => {
    for (const path of pages) await big.get(path);
  });
  const look = ofPages.map((explain) => ({ explain, analyze: true }));
  const filled = [takeStatistics, ...enter(big), ...fill(big.id)];
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
  const read = withNodes(reads).flatMap(({ nodes }) => nodes.map((node) => node["Relation Name"]));
  expect([...new Set(read)].sort()).toEqual(tables);
});

describe.each(pages.map((path, index) => ({ path, index })))(
  "$path, of a hundred thousand",
  ({ path, index }) => {
    const list = path.split("/")[2];

    test.each([
      ["of today", () => fresh],
      ["from before it grew", () => stale],
    ])("reads no more than its page, with statistics %s", (_, ofThen) => {
      const nodes = ofThen()[index] ?? [];
      const read = nodes
        .filter((node) => reads(node) && node["Relation Name"] === list)
        .map((node) => (node["Actual Rows"] ?? 0) + (node["Rows Removed by Filter"] ?? 0));
      expect(read).toEqual([expect.any(Number)]);
      expect(read[0]).toBeLessThanOrEqual(52);
      expect(read[0]).toBeGreaterThanOrEqual(51);
      // A few for the caller and the index, one for each row at most, and for an assignment its patient and its doctor.
      const touched = (nodes[0]?.["Shared Hit Blocks"] ?? 0) + (nodes[0]?.["Shared Read Blocks"] ?? 0);
      expect(touched).toBeLessThanOrEqual(list === "mappings" ? 70 + 50 * 8 : 70);
    });
  },
);
