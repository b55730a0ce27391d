import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { query } from "../ops/support.ts";

const project = join(import.meta.dirname, "..", "..");
const parent = mkdtempSync(join(tmpdir(), "hospital-checkouts-"));
chmodSync(parent, 0o755); // for the account that PostgreSQL runs as
const running = new Set<ChildProcess>();
afterAll(async () => {
  for (const child of running) child.kill("SIGTERM");
  await Promise.all([...running].map((child) => once(child, "exit")));
  rmSync(parent, { recursive: true, force: true });
});

const notCopied =
  /^(\.git|\.data|\.dev\.vars.*|\.env.*|\.wrangler|node_modules|dist|coverage|test|bench|docs)$/;

/** A copy of the project with nothing in `.data`, and what can be done in it. */
function createCheckout(name: string) {
  const folder = join(parent, name);
  const isCopied = (path: string) => path === project || !notCopied.test(basename(path));
  cpSync(project, folder, { recursive: true, filter: isCopied });
  symlinkSync(join(project, "node_modules"), join(folder, "node_modules"));
  const read = (file: string) => readFileSync(join(folder, ".data", file), "utf8");
  return {
    folder,
    /** Starts one of the project's programs here. Without a terminal and npm, as a supervisor would. */
    start: (program: string, args: string[] = [], variables: NodeJS.ProcessEnv = {}) =>
      startProgram(folder, program, args, variables),
    /** Where it runs now, as `.data/` says. */
    urls: () => ({ api: read("api-url"), endpoint: read("endpoint-url"), database: read("database-url") }),
    usernames: async () => {
      const rows = await query(read("database-url"), "SELECT username FROM users ORDER BY id");
      return rows.map(({ username }) => username);
    },
  };
}

function startProgram(folder: string, program: string, args: string[], variables: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [join(folder, program), ...args], {
    cwd: folder,
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  const exit = once(child, "close").then(([code]: (number | null)[]) => {
    running.delete(child);
    return code;
  });
  return {
    child,
    /** Resolves when it has ended and everything it printed has been read. */
    result: exit.then((code) => ({ code, output })),
    /** Resolves to what it has printed once `text` is in it. @throws when it ends before */
    async printed(text: string): Promise<string> {
      const ended = exit.then(() => Promise.reject(new Error(`It ended without ${text}:\n${output}`)));
      while (!output.includes(text)) await Promise.race([once(child.stdout, "data"), ended]);
      return output;
    },
  };
}

async function register(api: string, username: string): Promise<number> {
  const response = await fetch(`${api}/api/auth/register/`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username, email: "ada@example.org", password: "correct horse battery" }),
  });
  return response.status;
}

const RUNNING = "Ctrl-C stops";

test("two checkouts run at once on ports of their own, and keep their data when one is killed", async () => {
  const [one, other] = [createCheckout("one"), createCheckout("other")];
  // As from an earlier run, on another port.
  const staleVars = `JWT_SECRET=${"s".repeat(32)}\nDATABASE_ENDPOINT="http://127.0.0.1:1/sql"\n`;
  writeFileSync(join(other.folder, ".dev.vars"), staleVars);
  const commands = [one.start("local/dev.ts"), other.start("local/dev.ts")] as const;
  const printed = await Promise.all(commands.map((command) => command.printed(RUNNING)));
  const urls = [one.urls(), other.urls()] as const;

  for (const key of ["api", "endpoint", "database"] as const)
    expect(new URL(urls[0][key]).port).not.toBe(new URL(urls[1][key]).port);
  for (const [index, { api, endpoint, database }] of urls.entries()) {
    expect(printed[index]).toContain(`API       ${api}`);
    expect(printed[index]).toContain(`endpoint  ${endpoint}/sql`);
    expect(printed[index]).toContain(`database  ${database}`);
    const ready = await fetch(`${api}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { status: "ok" }]);
    expect((await fetch(`${endpoint}/channels/default`)).status).toBe(200);
  }

  // Each has its own data, also for the operators' commands.
  expect(await register(urls[0].api, "ada")).toBe(201);
  expect(await register(urls[1].api, "grace")).toBe(201);
  expect([await one.usernames(), await other.usernames()]).toEqual([["ada"], ["grace"]]);
  expect(await other.start("ops/account.ts", ["grace", "admin"]).result).toMatchObject({ code: 0 });
  expect(await other.start("ops/account.ts", ["ada", "admin"]).result).toMatchObject({
    code: 1,
    output: "There is no account called ada.\n",
  });

  // The same checkout does not run twice, and the first is left alone.
  for (const args of [[], ["--database-only"]])
    expect(await one.start("local/dev.ts", args).result).toEqual({
      code: 1,
      output: expect.stringMatching(/^This checkout is running already/),
    });
  expect((await fetch(`${urls[0].api}/readyz`)).status).toBe(200);

  // Killed, and started again, with the database alone.
  commands[1].child.kill("SIGKILL");
  await commands[1].result;
  const { port } = new URL(urls[0].api);
  expect(await other.start("local/dev.ts", [], { PORT: port }).result).toEqual({
    code: 1,
    output: expect.stringMatching(new RegExp(`^Port ${port} is in use\\. `)),
  });
  const database = other.start("local/dev.ts", ["--database-only"]);
  const words = await database.printed(RUNNING);
  const files = ["default.vars", "dev.vars"].map((name) => join(other.folder, ".data", name));
  const varsFile = join(other.folder, ".dev.vars");
  expect(words).toContain(
    `npx wrangler dev --env-file ${files[0]} --env-file ${varsFile} --env-file ${files[1]}\n`,
  );
  expect(readFileSync(files[1] ?? "", "utf8")).toContain(`DATABASE_ENDPOINT="${other.urls().endpoint}/sql"`);
  expect(await other.usernames()).toEqual(["grace"]);
  expect(await one.usernames()).toEqual(["ada"]);

  for (const { child, result } of [commands[0], database]) {
    child.kill("SIGTERM");
    expect(await result).toMatchObject({ code: 0 });
  }
}, 600_000);
