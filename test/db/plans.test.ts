import { beforeAll, expect, test } from "vitest";
import { newAccount, newRefreshToken, PASSWORD, signUp } from "../support/accounts.ts";
import { explain, type Node, reads } from "../support/explain.ts";
import { asOwner } from "../support/owner.ts";
import { lists } from "../support/pages.ts";
import { assign, createDoctor, createPatient, newDoctor, newPatient } from "../support/records.ts";
import { recordStatements, type Statement } from "../support/statements.ts";

const statement = (query: string, ...params: unknown[]): Statement => ({ query, params });
const analyze = statement("ANALYZE users, sessions, refresh_tokens, patients, doctors, mappings");

/**
 * A hospital of a thousand accounts and twenty thousand records of each kind, of which one account has half, among
 * everybody's.
 */
const filling = (bigAccount: number): Statement[] => [
  statement(`INSERT INTO users (username, email, password_hash)
    SELECT 'fill-' || n, n || '@fill.example.org', repeat('x', 60) FROM generate_series(1, 1000) n`),
  statement(`INSERT INTO sessions (user_id, token_version, expires_at)
    SELECT u.id, 1, now() + interval '1 day' FROM users u, generate_series(1, 10) WHERE username LIKE 'fill-%'`),
  statement(`INSERT INTO refresh_tokens (token_hash, session_id)
    SELECT encode(sha256(s.id::text::bytea), 'hex'), s.id
    FROM sessions s JOIN users u ON u.id = s.user_id WHERE username LIKE 'fill-%'`),
  statement(
    `INSERT INTO doctors (firstname, lastname, email, gender, specialization, created_by)
     SELECT 'Gregory', 'House', n || '@fill.example.org', 'M', 'NEUR', $1::int FROM generate_series(1, 20000) n`,
    bigAccount,
  ),
  statement(
    `INSERT INTO patients (firstname, lastname, email, age, gender, created_by)
     SELECT 'Ada', 'Lovelace', n || '@fill.example.org', 36, 'F', CASE n % 2 WHEN 0 THEN $1::int ELSE u.id END
     FROM generate_series(1, 20000) n JOIN users u ON u.username = 'fill-' || (n / 2 % 1000 + 1) ORDER BY n`,
    bigAccount,
  ),
  statement(`INSERT INTO mappings (patient_id, owner_id, doctor_id)
    SELECT p.id, p.created_by, d.id FROM patients p JOIN doctors d ON d.email = p.email
    WHERE p.email LIKE '%@fill.example.org' ORDER BY p.id`),
];

/** What the foreign keys ask when a record goes: PostgreSQL sends these by itself. */
const ofForeignKeys = [
  statement("SELECT 1 FROM mappings WHERE doctor_id = $1 FOR KEY SHARE", 1),
  statement("DELETE FROM mappings WHERE owner_id = $1 AND patient_id = $2", 1, 1),
  statement("DELETE FROM refresh_tokens WHERE session_id = $1", crypto.randomUUID()),
];

/** The statements that the API sends, each once. */
async function statementsOfTheApi(): Promise<Statement[]> {
  const nurse = await newAccount();
  const known = await signUp(nurse.api);
  const [patient, doctor, { id: assignment }] = [
    await createPatient(nurse),
    await createDoctor(nurse),
    await assign(nurse),
  ];
  const recorded = await recordStatements(async () => {
    await nurse.post("/api/auth/register/", {
      username: known.username,
      email: "a@b.example",
      password: PASSWORD,
    });
    await nurse.post("/api/auth/login/", { username: known.username, password: PASSWORD });
    await nurse.post("/api/auth/refresh/", { refresh: known.refresh });
    await nurse.post("/api/auth/logout/", { refresh: await newRefreshToken(nurse) });
    await nurse.get("/api/auth/me/");
    for (const list of lists) await nurse.get(`/api/${list}/`);
    await nurse.post("/api/patients/", newPatient());
    await nurse.post("/api/doctors/", newDoctor());
    await nurse.post("/api/mappings/", { patient: patient.id, doctor: doctor.id });
    await nurse.get(`/api/patients/${patient.id}/`);
    await nurse.get(`/api/doctors/${doctor.id}/`);
    await nurse.get(`/api/mappings/${patient.id}/`);
    await nurse.patch(`/api/patients/${patient.id}/`, { age: 37, email: newPatient().email });
    await nurse.patch(`/api/doctors/${doctor.id}/`, { lastname: "Cuddy", email: newDoctor().email });
    await nurse.delete(`/api/mappings/${assignment}/`);
    await nurse.delete(`/api/patients/${patient.id}/`);
    await nurse.delete(`/api/doctors/${doctor.id}/`);
  });
  return [...new Map(recorded.map((one) => [one.query, one])).values()].filter(
    ({ query }) => !query.includes("::int"),
  );
}

let plans: Map<Statement, Node[]>;
beforeAll(async () => {
  const big = await newAccount();
  plans = await explain([...filling(big.id), analyze], [...(await statementsOfTheApi()), ...ofForeignKeys]);
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

/** Far more than a page, far less than a list. */
const FEW = 500;

test("a page does not read all that come after it", async () => {
  const big = await newAccount();
  const pages = await recordStatements(async () => {
    for (const list of lists) await big.get(`/api/${list}/?limit=50`);
  });
  const explained = await explain([...filling(big.id), analyze], pages, { analyze: true });
  for (const [index, nodes] of [...explained.values()].entries()) {
    const read = nodes
      .filter((node) => reads(node) && node["Relation Name"] === lists[index])
      .map((node) => (node["Actual Rows"] ?? 0) + (node["Rows Removed by Filter"] ?? 0));
    expect(read, lists[index]).toHaveLength(1);
    expect(read[0], lists[index]).toBeGreaterThanOrEqual(51);
    expect(read[0], lists[index]).toBeLessThan(FEW);
  }
}, 60_000);

test("nothing of what filled the tables is left in them", async () => {
  expect(await asOwner`SELECT id FROM users WHERE username LIKE 'fill-%'`).toEqual([]);
});
