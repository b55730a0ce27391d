import { describe, expect, test, vi } from "vitest";
import { run } from "./commands.ts";
import { startTime } from "./support.ts";

vi.setConfig({ testTimeout: startTime });

const nowhere = "postgres://ada:s3cret@127.0.0.1:1/hospital";

/** What a command does that cannot connect: without the password, and without a warning of pg's. */
const noServer = {
  status: 1,
  stdout: "",
  stderr:
    "Cannot connect to the database 127.0.0.1:1/hospital: connect ECONNREFUSED 127.0.0.1:1. Is DATABASE_URL right, and the server up?\n",
};

describe.each([["migrate"], ["account", "ada", "admin"], ["role", "test_never_made"]])(
  "The command %s",
  (command, ...args) => {
    test("says in a sentence that there is no server", async () => {
      expect(await run(command, nowhere, ...args)).toEqual(noServer);
    });

    test("says no more with the parameters of Neon's URLs", async () => {
      const url = `${nowhere}?sslmode=require&channel_binding=require`;
      expect(await run(command, url, ...args)).toEqual(noServer);
    });

    test("says what DATABASE_URL must look like", async () => {
      expect(await run(command, "s3cret", ...args)).toEqual({
        status: 1,
        stdout: "",
        stderr: "DATABASE_URL must look like postgresql://user:password@host:5432/database.\n",
      });
    });
  },
);

test.each(["disable", "prefer", "verify-ca", "verify-full"])(
  "A command says no more with sslmode=%s",
  async (mode) => {
    expect(await run("migrate", `${nowhere}?sslmode=${mode}`)).toEqual(noServer);
  },
);

test("A command says in a sentence that there is no server on localhost, which has two addresses", async () => {
  const { status, stderr } = await run("migrate", nowhere.replace("127.0.0.1", "localhost"));
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringMatching(
      /^Cannot connect to the database localhost:1\/hospital: connect ECONNREFUSED \S+:1\. Is DATABASE_URL right, and the server up\?\n$/,
    ),
  });
});
