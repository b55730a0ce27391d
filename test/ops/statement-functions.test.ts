import { execFile } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { migrate } from "../../ops/migrate.ts";
import { pruneFunctions } from "../../ops/prune-functions.ts";
import { createRole } from "../../ops/role.ts";
import { createFunctionStatement, readStatementText } from "../../ops/statement-files.ts";
import { statementFunctions } from "../../src/db/sql/functions.ts";
import { changeUrl, copyDatabase, emptyDatabase, newDatabase, query, random, run } from "./support.ts";

const generatedStatements = Object.entries(statementFunctions).map(([name, generated]) => ({
  ...generated,
  name,
  text: readStatementText(name),
}));
const ownNames = generatedStatements.map((statement) => statement.function).sort();
/** The statement whose function is created last. */
const lastStatement = generatedStatements.at(-1) as (typeof generatedStatements)[number];
const lastName = lastStatement.function;

let original: Awaited<ReturnType<typeof newDatabase>>;
let url: string;
beforeAll(async () => {
  original = await newDatabase();
  await migrate(original.url);
});
beforeEach(async () => {
  url = await copyDatabase(original.url);
});
afterAll(() => original.drop());

const functionsOf = (database: string) =>
  query(
    database,
    "SELECT proname AS name FROM pg_proc WHERE pronamespace = to_regnamespace('statements')::oid",
  ).then((rows) => rows.map(({ name }) => name).sort());

/** Drops one of this version's functions, as an operator could. */
const dropFunction = (database: string, name: string) => query(database, `DROP FUNCTION statements.${name}`);

/** Two functions of earlier versions; the second name has two of them. */
const createOldFunctions = () =>
  query(
    url,
    `CREATE FUNCTION statements.patients_find_00000000(integer, text) RETURNS int LANGUAGE sql AS 'SELECT 1';
     CREATE FUNCTION statements.gone_11111111() RETURNS int LANGUAGE sql AS 'SELECT 1';
     CREATE FUNCTION statements.gone_11111111(integer[]) RETURNS int LANGUAGE sql AS 'SELECT 1'`,
  );
const oldSignatures = [
  "statements.gone_11111111()",
  "statements.gone_11111111(integer[])",
  "statements.patients_find_00000000(integer,text)",
];

describe("db:migrate", () => {
  test("creates the functions that are missing and says how many; the others stay as they are", async () => {
    const oids = () => query(url, "SELECT oid FROM pg_proc WHERE pronamespace = 'statements'::regnamespace");
    await dropFunction(url, lastName);
    await createOldFunctions();
    const before = await oids();
    expect(await run("migrate", url)).toEqual({
      status: 0,
      stdout: "1 function(s) created; the database is up to date.\n",
      stderr: "",
    });
    expect(await functionsOf(url)).toEqual(expect.arrayContaining(ownNames));
    expect(await oids()).toEqual(expect.arrayContaining(before));
  });

  test("creates them in a database that has no schema statements", async () => {
    await query(url, "DROP SCHEMA statements CASCADE");
    expect(await migrate(url)).toEqual({ migrations: 0, functions: ownNames.length });
    expect(await functionsOf(url)).toEqual(ownNames);
  });

  test("killed while it creates functions creates none, and the next run creates all", async () => {
    const database = await emptyDatabase();
    await query(database, "CREATE SCHEMA statements");
    const holder = new pg.Client(database);
    onTestFinished(() => holder.end());
    await holder.connect();
    // The command waits for the transaction that creates the same function, in the middle of its own.
    await holder.query("BEGIN");
    await holder.query(createFunctionStatement(lastStatement));
    const command = startMigrate(database);
    const backend = await waitForBlocked(database);
    command.kill("SIGKILL");
    await once(command, "exit");
    await holder.query("SELECT pg_terminate_backend($1)", [backend]);
    await holder.query("ROLLBACK");
    expect(await functionsOf(database)).toEqual([]);
    expect(await migrate(database)).toEqual({ migrations: 0, functions: ownNames.length });
    expect(await functionsOf(database)).toEqual(ownNames);
  });

  test("by a role that may not create functions creates none, gives the reason, and says that the API works", async () => {
    const other = random("test_owner");
    const database = new URL(url).pathname.slice(1);
    await query(
      url,
      `CREATE ROLE ${other} LOGIN PASSWORD 'pw'; GRANT CREATE ON DATABASE ${database} TO ${other};
       GRANT ALL ON SCHEMA drizzle TO ${other}; GRANT ALL ON drizzle.__drizzle_migrations TO ${other}`,
    );
    onTestFinished(async () => void (await query(url, `DROP OWNED BY ${other}; DROP ROLE ${other}`)));
    await dropFunction(url, lastName);
    const result = await run("migrate", changeUrl(url, { username: other, password: "pw" }));
    expect(result).toEqual({
      status: 1,
      stdout: "",
      stderr:
        "The migrations are applied, but no function of a statement was created: permission denied for schema statements. Fix the cause, then migrate again. The API works without them, more slowly.\n",
    });
    expect(await functionsOf(url)).not.toContain(lastName);
  });
});

function startMigrate(database: string) {
  const file = join(import.meta.dirname, "..", "..", "ops", "migrate.ts");
  return execFile(process.execPath, [file], { env: { DATABASE_URL: database } });
}

/** Waits until a session of the command waits for another transaction. @returns its process id */
async function waitForBlocked(database: string): Promise<number> {
  for (;;) {
    const [blocked] = await query(
      database,
      `SELECT pid FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%CREATE FUNCTION statements%'`,
    );
    if (blocked) return blocked.pid;
  }
}

describe("db:role", () => {
  test("grants the functions, also those that a later migration creates, with the same password", async () => {
    const role = random("test_role");
    const worker = await createRole(url, role);
    onTestFinished(async () => void (await query(url, `DROP OWNED BY ${role}; DROP ROLE ${role}`)));
    const canCall = "SELECT has_function_privilege(p.oid, 'EXECUTE') AS can_call FROM pg_proc p";
    const readRights = async () =>
      query(worker, `${canCall} WHERE pronamespace = 'statements'::regnamespace AND proname = $1`, [
        lastName,
      ]);
    expect(await readRights()).toEqual([{ can_call: true }]);
    await dropFunction(url, lastName);
    await migrate(url);
    expect(await readRights()).toEqual([{ can_call: true }]);
  });

  test("lets no other role call the functions, also in a database restored without privileges", async () => {
    const role = random("test_role");
    await query(url, "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA statements TO PUBLIC");
    await createRole(url, role);
    onTestFinished(async () => void (await query(url, `DROP OWNED BY ${role}; DROP ROLE ${role}`)));
    const stranger = random("test_stranger");
    await query(url, `CREATE ROLE ${stranger}`);
    onTestFinished(async () => void (await query(url, `DROP ROLE ${stranger}`)));
    const [rights] = await query(
      url,
      `SELECT has_schema_privilege($1, 'statements', 'USAGE') AS schema,
         bool_or(has_function_privilege($1, oid, 'EXECUTE')) AS functions
       FROM pg_proc WHERE pronamespace = 'statements'::regnamespace`,
      [stranger],
    );
    expect(rights).toEqual({ schema: false, functions: false });
  });
});

describe("db:prune", () => {
  test("lists the functions of other versions and drops none; with --drop it drops them and no others", async () => {
    await createOldFunctions();
    const listed = oldSignatures.map((signature) => `${signature}\n`).join("");
    expect(await run("prune-functions", url)).toEqual({
      status: 0,
      stdout: `${listed}3 function(s) are not of this version. Drop them with \`npm run db:prune -- --drop\` when no other version runs.\n`,
      stderr: "",
    });
    expect(await functionsOf(url)).toHaveLength(ownNames.length + 3);
    const dropped = { status: 0, stdout: `${listed}3 function(s) dropped.\n`, stderr: "" };
    expect(await run("prune-functions", url, "--drop")).toEqual(dropped);
    expect(await functionsOf(url)).toEqual(ownNames);
    const nothing = { status: 0, stdout: "There are only functions of this version.\n", stderr: "" };
    expect(await run("prune-functions", url, "--drop")).toEqual(nothing);
  });

  test("with a function that something depends on drops none", async () => {
    await createOldFunctions();
    await query(url, "CREATE VIEW dependent AS SELECT * FROM statements.patients_find_00000000(1, '')");
    await expect(pruneFunctions(url, true)).rejects.toThrow("other objects depend on it");
    expect(await functionsOf(url)).toHaveLength(ownNames.length + 3);
  });

  test("in a version that the database was not migrated to is refused and drops none", async () => {
    await createOldFunctions();
    await dropFunction(url, lastName);
    const before = await functionsOf(url);
    await expect(pruneFunctions(url, true)).rejects.toThrow(
      /^The database lacks migrations or functions of this version\. Run it in the version that is deployed, or run `npm run db:migrate` first\.$/,
    );
    await query(url, "UPDATE drizzle.__drizzle_migrations SET created_at = created_at + 1e12");
    await expect(pruneFunctions(url, true)).rejects.toThrow("The database is newer than this code");
    expect(await functionsOf(url)).toEqual(before);
  });

  test("with an unknown argument prints it and drops none", async () => {
    await createOldFunctions();
    const result = await run("prune-functions", url, "--all");
    expect(result).toEqual({ status: 1, stdout: "", stderr: expect.stringContaining("--all") });
    expect(await functionsOf(url)).toHaveLength(ownNames.length + 3);
  });
});
