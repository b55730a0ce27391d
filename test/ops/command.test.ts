import { expect, test } from "vitest";
import { run } from "./support.ts";

const nowhere = "postgres://ada:s3cret@127.0.0.1:1/hospital";

test.each([
  ["migrate"],
  ["account", "ada", "admin"],
  ["role", "test_never_made"],
  ["purge", "--older-than", "7"],
])(
  "the command %s says in a sentence that there is no server, without the password and without a warning",
  async (command, ...args) => {
    expect(await run(command, `${nowhere}?sslmode=require&channel_binding=require`, ...args)).toEqual({
      status: 1,
      stdout: "",
      stderr:
        "Cannot connect to the database 127.0.0.1:1/hospital: connect ECONNREFUSED 127.0.0.1:1. Is DATABASE_URL right, and the server up?\n",
    });
  },
);

test("a command says the same of localhost, which has two addresses", async () => {
  const { status, stderr } = await run("migrate", nowhere.replace("127.0.0.1", "localhost"));
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /^Cannot connect to the database localhost:1\/hospital: connect ECONNREFUSED \S+:1\. Is /,
  );
});

test("a command says what DATABASE_URL must look like", async () => {
  expect(await run("migrate", "s3cret")).toEqual({
    status: 1,
    stdout: "",
    stderr: "DATABASE_URL must look like postgresql://user:password@host:5432/database.\n",
  });
});
