import { beforeAll, expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { explain, type Node, reads } from "../support/explain.ts";
import { signUp } from "../support/fixtures.ts";
import { lists, pathOf } from "../support/pages.ts";
import { recordStatements, type Statement } from "../support/statements.ts";

/** A hospital of many accounts, where one, among whose records are everybody's, has as many as all others. */
const withBigAccount = (id: number): Statement[] => [
  {
    query: `INSERT INTO users (username, email, password_hash)
      SELECT 'page-' || n, n || '@page.example.org', repeat('x', 60) FROM generate_series(1, 1000) n`,
    params: [],
  },
  {
    query: `INSERT INTO doctors (firstname, lastname, email, gender, specialization, created_by)
      SELECT 'Gregory', 'House', n || '@page.example.org', 'M', 'NEUR', $1::int FROM generate_series(1, 10000) n`,
    params: [id],
  },
  {
    query: `INSERT INTO patients (firstname, lastname, email, age, gender, created_by)
      SELECT 'Ada', 'Lovelace', n || '@page.example.org', 36, 'F', CASE n % 2 WHEN 0 THEN $1::int ELSE u.id END
      FROM generate_series(1, 20000) n JOIN users u ON u.username = 'page-' || (n / 2 % 1000 + 1) ORDER BY n`,
    params: [id],
  },
  {
    query: `INSERT INTO mappings (patient_id, owner_id, doctor_id)
      SELECT id, created_by, (SELECT max(id) FROM doctors) FROM patients
      WHERE email LIKE '%@page.example.org' ORDER BY id`,
    params: [],
  },
];

/** Far more than a page, far less than a list. */
const FEW = 500;

let plans: Node[][];
beforeAll(async () => {
  const nurse = await signUp(connectApi());
  const statements = await recordStatements(async () => {
    for (const list of lists) await nurse.get(`${pathOf(list)}?limit=50`);
  });
  plans = [...(await explain(withBigAccount(nurse.id), statements, { analyze: true })).values()];
}, 60_000);

test.each(lists.map((list, index) => ({ list, index })))(
  "a page of $list does not read all that come after it",
  ({ list, index }) => {
    const read = plans[index]
      ?.filter((node) => reads(node) && node["Relation Name"] === list)
      .map((node) => (node["Actual Rows"] ?? 0) + (node["Rows Removed by Filter"] ?? 0));
    expect(read).toHaveLength(1);
    expect(read?.[0]).toBeGreaterThanOrEqual(51);
    expect(read?.[0]).toBeLessThan(FEW);
  },
);
