import { expect, test } from "vitest";
import { run } from "./support.ts";

// Port 1 of this machine: nothing listens there.
const unreachable = "postgres://ada:s3cret@127.0.0.1:1/hospital";

test("without a server every command prints one sentence, without the password or a warning, and exits with 1", async () => {
  const commands = [
    ["migrate"],
    ["account", "ada", "admin"],
    ["role", "test_never_made"],
    ["prune-functions", "--drop"],
    ["purge", "--older-than", "7"],
  ] as const;
  const url = `${unreachable}?sslmode=require&channel_binding=require`;
  const results = commands.map(async ([name, ...args]) => [name, await run(name, url, ...args)] as const);
  const failure = {
    status: 1,
    stdout: "",
    stderr:
      "Cannot connect to the database 127.0.0.1:1/hospital: connect ECONNREFUSED 127.0.0.1:1. Is DATABASE_URL right, and the server up?\n",
  };
  expect(Object.fromEntries(await Promise.all(results))).toEqual({
    migrate: failure,
    account: failure,
    role: failure,
    "prune-functions": failure,
    purge: failure,
  });
});

test("without a server on localhost, which has two addresses, a command prints the same sentence", async () => {
  const { status, stderr } = await run(
    "account",
    unreachable.replace("127.0.0.1", "localhost"),
    "ada",
    "admin",
  );
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /^Cannot connect to the database localhost:1\/hospital: connect ECONNREFUSED \S+:1\. Is /,
  );
});

test("--help makes every command print its usage and exit with 0, without a connection", async () => {
  const scripts = {
    migrate: "db:migrate",
    role: "db:role",
    "prune-functions": "db:prune",
    account: "account",
    purge: "purge",
    upload: "upload",
  };
  const results = Object.entries(scripts).map(async ([command, script]) => ({
    script,
    ...(await run(command, unreachable, "--help")),
  }));
  for (const { script, ...result } of await Promise.all(results))
    expect(result).toEqual({
      status: 0,
      stdout: expect.stringMatching(`^Usage: npm run ${script}`),
      stderr: "",
    });
});

test("a malformed DATABASE_URL makes a command print its format, without the value", async () => {
  expect(await run("account", "s3cret", "ada", "admin")).toEqual({
    status: 1,
    stdout: "",
    stderr: "DATABASE_URL must look like postgresql://user:password@host:5432/database.\n",
  });
});
