import { beforeAll, describe, expect, test } from "vitest";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import {
  explainInFreshDatabase,
  insertAccountSteps,
  type PlanNode,
  readsTable,
  type SetupStep,
  statement,
} from "../support/explain.ts";
import { analyzeStep, DOCTOR } from "../support/large-tables.ts";
import { listFilters, listPages } from "../support/list-pages.ts";
import { recordStatements } from "../support/statements.ts";

// A doctor has 100,000 appointments in another clinic, and 40 in a small one. The list of the small clinic does not
// read those of the other clinic.

const { from = "", to = "" } = listFilters.appointments;
const pages = await Promise.all(
  listPages("appointments", [{ doctor: DOCTOR }, { doctor: DOCTOR, from }, { doctor: DOCTOR, from, to }]),
);

const appointmentSteps = (other: TestAccount, small: TestAccount): SetupStep[] =>
  [
    statement(
      `INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id)
       SELECT 'Ada', 'Lovelace', u.id || '@fill.example.org', 36, 'F', u.id, u.id FROM users u WHERE u.id = ANY ($1::int[])`,
      `{${other.id},${small.id}}`,
    ),
    // Triggers on each row would take longer than everything else here.
    statement("ALTER TABLE appointments DISABLE TRIGGER USER"),
    statement(
      `INSERT INTO appointments (patient_id, owner_id, doctor_id, starts_at, ends_at, time_zone, status, created_by)
       SELECT p.id, p.owner_id, $1::int, starts_at, starts_at + interval '30 minutes', 'UTC', 'cancelled', p.owner_id
       FROM generate_series(1, 100040) n JOIN patients p ON p.owner_id = CASE n % 2501 WHEN 0 THEN $2::int ELSE $3::int END,
         LATERAL (SELECT date_trunc('minute', now()) - make_interval(mins => n) AS starts_at) a
       ORDER BY n`,
      ...[DOCTOR, small.id, other.id],
    ),
  ].map((run) => ({ run }));

const doctorStep = ({ id }: TestAccount): SetupStep => ({
  run: statement(
    `INSERT INTO doctors (id, firstname, lastname, email, gender, specialization, created_by) OVERRIDING SYSTEM VALUE
     VALUES ($1, 'James', 'Wilson', 'wilson@fill.example.org', 'M', 'GEN', $2)`,
    ...[DOCTOR, id],
  ),
});
const linkStep = ({ id }: TestAccount): SetupStep => ({
  run: statement("UPDATE users SET doctor_id = $1 WHERE id = $2", DOCTOR, id),
});

/** The plans of the pages, of the small clinic and of the doctor's own account. */
type Plans = { ofClinic: PlanNode[][]; ofDoctor: PlanNode[][] };
const [stale, fresh]: [Plans, Plans] = [
  { ofClinic: [], ofDoctor: [] },
  { ofClinic: [], ofDoctor: [] },
];
beforeAll(async () => {
  const [small, doctors, other] = [await newAccount(), await newAccount(), await newAccount()];
  const explained = await recordStatements(async () => {
    for (const account of [small, doctors]) for (const { path } of pages) await account.get(path);
  });
  const explainPages = explained.map((explain) => ({ explain, analyze: true }));
  const plans = await explainInFreshDatabase([
    analyzeStep,
    ...[small, doctors, other].flatMap((account) => insertAccountSteps(account)),
    ...[doctorStep(other), linkStep(doctors), ...appointmentSteps(other, small)],
    ...explainPages,
    analyzeStep,
    ...explainPages,
  ]);
  for (const statistics of [stale, fresh])
    for (const who of ["ofClinic", "ofDoctor"] as const) statistics[who] = plans.splice(0, pages.length);
}, 600_000); // only against hanging

/** How many rows of the table each scan that was executed has read. */
const rowsRead = (nodes: PlanNode[]) =>
  nodes
    .filter((node) => readsTable(node) && node["Relation Name"] === "appointments" && node["Actual Loops"])
    .map((node) => (node["Actual Rows"] ?? 0) + (node["Rows Removed by Filter"] ?? 0));

describe.each([
  ["current", fresh],
  ["the empty tables'", stale],
])("with %s statistics,", (_, statistics) => {
  test.each(["ofClinic", "ofDoctor"] as const)(
    "each page by doctor reads its own rows in one scan: %s",
    (who) => {
      const read = pages.map(({ path }, index) => ({ path, rows: rowsRead(statistics[who][index] ?? []) }));
      expect(read.filter(({ rows }) => rows.length !== 1 || Number(rows[0]) > 51)).toEqual([]);
      const most = Math.max(...read.flatMap(({ rows }) => rows));
      expect(most).toBe(who === "ofClinic" ? 40 : 51);
    },
  );
});
