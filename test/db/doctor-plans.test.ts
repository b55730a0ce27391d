import { beforeAll, describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import {
  enter,
  gathers,
  inVain,
  type Node,
  nodesOf,
  type Step,
  sortsMore,
  statement,
} from "../support/explain.ts";
import { fill, takeStatistics } from "../support/filling.ts";
import { filters, type Look, pagesOf } from "../support/looks.ts";
import { recordStatements } from "../support/statements.ts";

// The pages of a doctor's own account, in a hospital of a hundred thousand records.

const DOCTOR = 2_000_000_000;
/** How many patients the account has itself, how many are assigned to the doctor, and how many of these are both. */
const [OWN, ASSIGNED, BOTH] = [3000, 3000, 300];

/** A doctor who looks after patients of everybody's, with an account that has some itself. */
const fillForDoctor = (account: number): Step[] =>
  [
    statement(
      `INSERT INTO doctors (id, firstname, lastname, email, gender, specialization, created_by) OVERRIDING SYSTEM VALUE
       VALUES ($1, 'James', 'Wilson', 'wilson@fill.example.org', 'M', 'GEN', $2)`,
      DOCTOR,
      account,
    ),
    statement("UPDATE users SET doctor_id = $1 WHERE id = $2", DOCTOR, account),
    statement(
      `INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id)
       SELECT 'Ada', 'Lovelace' || n, 'own-' || n || '@fill.example.org', 36, 'F', $1::int, $1::int FROM generate_series(1, $2::int) n`,
      account,
      OWN,
    ),
    ...[sql("=", BOTH), sql("<>", ASSIGNED - BOTH)].map((query) => statement(query, DOCTOR, account)),
  ].map((run) => ({ run }));
const sql = (own: string, count: number) => `
  INSERT INTO mappings (patient_id, owner_id, doctor_id)
  SELECT id, owner_id, $1::int FROM patients WHERE owner_id ${own} $2 ORDER BY id % 97, id LIMIT ${count}`;

const ofDoctor = { doctor: DOCTOR };
const looks = await Promise.all([
  ...pagesOf("patients", [{}, ofDoctor, { gender: "F" }, { ...filters.patients, ...ofDoctor }]),
  ...pagesOf("mappings", [{}, { patient: 7 }, ofDoctor, { patient: 7, ...ofDoctor }]),
]);

let stale: Node[][];
let fresh: Node[][];
beforeAll(async () => {
  const [big, account] = [await newAccount(), await newAccount()];
  const statements = await recordStatements(async () => {
    for (const { path } of looks) await account.get(path);
  });
  const look = statements.map((explain) => ({ explain, analyze: true }));
  const filled = [
    takeStatistics,
    ...enter(big),
    ...enter(account),
    ...fill(big.id),
    ...fillForDoctor(account.id),
  ];
  const plans = await inVain([...filled, ...look, takeStatistics, ...look]);
  [stale, fresh] = [plans.splice(0, looks.length), plans];
}, 120_000);

/** Whether no index has the rows in the order of a page. */
const isGathered = ({ list, asked }: Look): boolean =>
  list === "patients" && !String(asked["sort"]).endsWith("id");
/** How many blocks an answer may touch: of each row that is looked at its own, its patient's and its doctor's, with their indexes. */
const most = (look: Look): number => 70 + (isGathered(look) ? OWN + ASSIGNED : 2 * 51) * 8;

describe.each([
  ["of today", () => fresh],
  ["from before the tables grew", () => stale],
])("with statistics %s", (_, ofThen) => {
  test("both kinds of patients and assignments come from their indexes, and only the doctor's are gathered to be sorted", () => {
    expect(ofThen()).toHaveLength(looks.length);
    for (const [index, look] of looks.entries()) {
      const taken = (ofThen()[index] ?? [])
        .filter((node) => node["Subplan Name"] === "CTE taken")
        .flatMap(nodesOf);
      expect(taken.length).toBeGreaterThan(0);
      const offending = taken.filter((node) => node["Node Type"] === "Seq Scan" || sortsMore(node));
      expect([look, offending]).toEqual([look, []]);
      const gathered = taken.filter(gathers).map((node) => node["Plans"]?.at(-1)?.["Actual Rows"] ?? 0);
      expect(Math.max(0, ...gathered)).toBeLessThanOrEqual(isGathered(look) ? ASSIGNED : 1);
    }
  });

  test("a page costs what it shows, and in an order of names or times what the doctor has: never what the tables have", () => {
    const touched = looks.map((look, index) => {
      const [top] = ofThen()[index] ?? [];
      return [look, (top?.["Shared Hit Blocks"] ?? 0) + (top?.["Shared Read Blocks"] ?? 0)] as const;
    });
    expect(touched.filter(([look, blocks]) => blocks > most(look))).toEqual([]);
  });
});
