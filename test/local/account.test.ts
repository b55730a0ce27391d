import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { migrate } from "../../local/migrate.ts";
import { createDatabase, dropDatabase, random, run } from "./commands.ts";
import { describeOnDatabase, startTime, withClient } from "./support.ts";

vi.setConfig({ testTimeout: startTime, hookTimeout: startTime });

describeOnDatabase("The command account", (cloud) => {
  let url: string;
  beforeAll(async () => {
    url = cloud.kind === "embedded" ? cloud.databaseUrl : await createDatabase();
    await migrate(url);
  });
  afterAll(async () => {
    if (cloud.kind !== "embedded") await dropDatabase(url);
  });

  const asOwner = (statement: string, values?: unknown[]) =>
    withClient(url, async (client) => (await client.query(statement, values)).rows);

  /** Makes an account, and one beside it that is not to be changed. */
  async function makeAccount(state: { role?: string; active?: boolean; token_version?: number } = {}) {
    const { role = "clinician", active = true, token_version = 1 } = state;
    const username = random("Ada");
    const statement = `
      INSERT INTO users (username, email, password_hash, role, active, token_version, updated_at)
      SELECT name, 'a@b', repeat('x', 60), $2, $3, $4, '2020-01-01' FROM unnest($1::text[]) AS name`;
    await asOwner(statement, [[username, `${username}x`], role, active, token_version]);
    return username;
  }

  const accounts = () => asOwner("SELECT * FROM users ORDER BY id");

  test.each([
    ["admin", { role: "clinician" }, { role: "admin" }],
    ["clinician", { role: "admin" }, { role: "clinician" }],
    ["disable", { active: true }, { active: false }],
    ["enable", { active: false }, { active: true }],
    ["sign-out", { token_version: 7 }, { token_version: 8 }],
  ])("%s changes that, and nothing else in any account", async (change, given, expected) => {
    const username = await makeAccount(given);
    const before = await accounts();
    expect(await run("account", url, username, change)).toMatchObject({ status: 0, stderr: "" });
    const others = before.filter((account) => account.username !== username);
    const own = before.find((account) => account.username === username);
    const after = await accounts();
    expect(after.filter((account) => account.username !== username)).toEqual(others);
    expect(after.find((account) => account.username === username)).toEqual({
      ...own,
      ...expected,
      updated_at: expect.any(Date),
    });
  });

  test("notes when an account was changed", async () => {
    const username = await makeAccount();
    await run("account", url, username, "disable");
    const [account] = await asOwner(
      "SELECT updated_at > now() - interval '5 minutes' AS fresh FROM users WHERE username = $1",
      [username],
    );
    expect(account.fresh).toBe(true);
  });

  test.each(["toUpperCase", "toLowerCase"] as const)("finds a username in %s", async (inCase) => {
    const username = await makeAccount();
    expect(await run("account", url, username[inCase](), "admin")).toMatchObject({ status: 0 });
    expect(await asOwner("SELECT role FROM users WHERE username = $1", [username])).toEqual([
      { role: "admin" },
    ]);
  });

  test("prints the account as it is now, without its password's hash", async () => {
    const username = await makeAccount({ token_version: 3 });
    const { stdout } = await run("account", url, username, "admin");
    expect(stdout).toBe(
      `{\n  username: '${username}',\n  role: 'admin',\n  active: true,\n  token_version: 3\n}\n`,
    );
  });

  test.each(["nobody", "x' OR '1'='1", "'; UPDATE users SET role = 'admin'; --", "%", "Ada%"])(
    "takes %j for a username that nobody has",
    async (username) => {
      await makeAccount();
      const before = await accounts();
      expect(await run("account", url, username, "admin")).toEqual({
        status: 1,
        stdout: "",
        stderr: `There is no account called ${username}.\n`,
      });
      expect(await accounts()).toEqual(before);
    },
  );

  test.each([
    ["an unknown change", "promote"],
    ["a change in another case", "ADMIN"],
    ["SQL for a change", "role = 'admin'"],
    ["an empty change", ""],
    ["a method of objects", "toString"],
    ["a property of objects", "__proto__"],
  ])("changes nothing for %s, and says which there are", async (_, change) => {
    const username = await makeAccount();
    const before = await accounts();
    const ending = await run("account", url, username, change);
    expect(ending).toMatchObject({ status: 1, stdout: "" });
    expect(ending.stderr).toMatch(/^Usage: npm run account -- <username> <change>\n/);
    expect(await accounts()).toEqual(before);
  });

  test.each([
    ["no arguments", []],
    ["a username alone", ["ada"]],
  ])("says how it is used when it gets %s", async (_, args) => {
    const ending = await run("account", url, ...args);
    expect(ending).toMatchObject({ status: 1, stdout: "" });
    expect(ending.stderr).toMatch(/^Usage: npm run account -- <username> <change>\n/);
  });
});
