import { beforeAll, expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { explain, type Node, reads } from "../support/explain.ts";
import { asOwner } from "../support/fixtures.ts";
import { openWard, outcomes, send } from "../support/outcomes.ts";
import { recordStatements, type Statement } from "../support/statements.ts";

/** Ten thousand rows in every table, of many accounts. */
const filling: Statement[] = [
  `INSERT INTO users (username, email, password_hash)
   SELECT 'fill-' || n, n || '@fill.example.org', repeat('x', 60) FROM generate_series(1, 10000) n`,
  `INSERT INTO sessions (user_id, token_version, expires_at)
   SELECT id, 1, now() + interval '1 day' FROM users WHERE username LIKE 'fill-%'`,
  `INSERT INTO refresh_tokens (token_hash, session_id)
   SELECT encode(sha256(s.id::text::bytea), 'hex'), s.id
   FROM sessions s JOIN users u ON u.id = s.user_id WHERE username LIKE 'fill-%'`,
  `INSERT INTO patients (firstname, lastname, email, age, gender, created_by)
   SELECT 'Ada', 'Lovelace', n || '@fill.example.org', 36, 'F', id
   FROM users, generate_series(1, 10) n WHERE username LIKE 'fill-%' AND id % 10 = 0`,
  `INSERT INTO doctors (firstname, lastname, email, gender, specialization, created_by)
   SELECT 'Gregory', 'House', id || '@fill.example.org', 'M', 'NEUR', id
   FROM users WHERE username LIKE 'fill-%'`,
  `INSERT INTO mappings (patient_id, owner_id, doctor_id)
   SELECT p.id, p.created_by, d.id FROM patients p JOIN doctors d ON d.created_by = p.created_by
   WHERE d.email LIKE '%@fill.example.org'`,
].map((query) => ({ query, params: [] }));

/** What the foreign keys ask when a record goes: PostgreSQL sends these by itself. */
const ofForeignKeys: Statement[] = [
  { query: "SELECT 1 FROM mappings WHERE doctor_id = $1 FOR KEY SHARE", params: [1] },
  { query: "DELETE FROM mappings WHERE owner_id = $1 AND patient_id = $2", params: [1, 1] },
  { query: "DELETE FROM refresh_tokens WHERE session_id = $1", params: [crypto.randomUUID()] },
];

/** The statements that the API sends, each once, for every outcome of every route. */
async function statementsOfTheApi(): Promise<Statement[]> {
  const ward = await openWard(connectApi());
  const recorded = await recordStatements(async (sofar) => {
    for (const outcome of outcomes) {
      const before = sofar.length;
      await send(outcome, ward);
      expect(sofar.length - before, outcome.route).toBe(outcome.requests);
    }
  });
  return [...new Map(recorded.map((statement) => [statement.query, statement])).values()];
}

let plans: Map<Statement, Node[]>;
beforeAll(async () => {
  plans = await explain(filling, [...(await statementsOfTheApi()), ...ofForeignKeys]);
}, 60_000);

/** The statements whose plans have nodes of a kind, with those nodes. */
const withNodes = (isOffending: (node: Node) => boolean) =>
  [...plans]
    .map(([{ query }, nodes]) => ({ query, nodes: nodes.filter(isOffending) }))
    .filter(({ nodes }) => nodes.length > 0);

test("no statement of the API reads a whole table", () => {
  expect(withNodes((node) => node["Node Type"] === "Seq Scan")).toEqual([]);
});

test("no statement of the API reads a whole index", () => {
  const whole = (node: Node) => reads(node) && /^Index/.test(node["Node Type"]) && !node["Index Cond"];
  expect(withNodes(whole)).toEqual([]);
});

test("all tables are read by the statements that were looked at", () => {
  const tables = withNodes(reads).flatMap(({ nodes }) => nodes.map((node) => node["Relation Name"]));
  expect([...new Set(tables)].sort()).toEqual([
    "doctors",
    "mappings",
    "patients",
    "refresh_tokens",
    "sessions",
    "users",
  ]);
});

test("nothing of what filled the tables is left in them", async () => {
  expect(await asOwner`SELECT id FROM users WHERE username LIKE 'fill-%'`).toEqual([]);
});
