import { neon } from "@neondatabase/serverless";
import { expect, test } from "vitest";
import { changed, describeOnDatabase, post } from "./support.ts";

describeOnDatabase("The connection string", (cloud) => {
  async function refusal(header: string): Promise<unknown> {
    const response = await post(cloud, { query: "SELECT 1" }, { "Neon-Connection-String": header });
    expect(response.status).toBe(400);
    return response.json();
  }

  test("is required", async () => {
    const response = await fetch(cloud.endpointUrl, { method: "POST", body: '{"query": "SELECT 1"}' });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ message: "invalid header: neon-connection-string" });
  });

  test.each([
    ["nonsense", "invalid connection string: relative URL without a base"],
    ["postgres://u:p@127.0.0.1:port/db", "invalid connection string: invalid URL"],
    ["postgres://u:p%@127.0.0.1/db", "invalid connection string: invalid percent-encoding"],
    ["mysql://u:p@127.0.0.1/db", "incorrect scheme"],
    ["postgres://127.0.0.1/db", "missing username"],
    ["postgres://u:p@127.0.0.1", "missing database name"],
  ])("%s is refused", async (header, message) => {
    expect(await refusal(header)).toMatchObject({ message, code: null });
  });

  test("with a wrong password is refused", async () => {
    const failure = neon(changed(cloud.databaseUrl, { password: "wrong" })).query("SELECT 1");
    await expect(failure).rejects.toMatchObject({
      message: "password authentication failed for user 'postgres'",
      code: "28P01",
    });
  });

  test("with an unknown role is refused in the same words", async () => {
    expect(await refusal(changed(cloud.databaseUrl, { username: "nobody", password: "x" }))).toMatchObject({
      message: "password authentication failed for user 'nobody'",
      code: "28P01",
    });
  });

  test("with an unknown database is refused in PostgreSQL's words", async () => {
    expect(await refusal(changed(cloud.databaseUrl, { pathname: "/nowhere" }))).toMatchObject({
      message: 'database "nowhere" does not exist',
      code: "3D000",
      severity: "FATAL",
    });
  });

  test("that names another host is refused", async () => {
    expect(await refusal(changed(cloud.databaseUrl, { hostname: "db.example" }))).toMatchObject({
      message: expect.stringMatching(
        /^password authentication failed for user 'postgres': this endpoint is for 127.0.0.1:\d+, not for db.example:\d+$/,
      ),
    });
  });

  test("that names another port is refused", async () => {
    expect(await refusal(changed(cloud.databaseUrl, { port: "9" }))).toMatchObject({
      message: expect.stringMatching(/, not for 127.0.0.1:9$/),
    });
  });

  test.each(["localhost", "[::1]", "LOCALHOST"])("may call this machine %s", async (hostname) => {
    const header = changed(cloud.databaseUrl, { hostname });
    const response = await post(cloud, { query: "SELECT 1" }, { "Neon-Connection-String": header });
    expect(response.status).toBe(200);
  });

  test("may leave the port out", async () => {
    const header = changed(cloud.databaseUrl, { port: "" });
    const response = await post(cloud, { query: "SELECT 1" }, { "Neon-Connection-String": header });
    expect(response.status).toBe(200);
  });

  test.skipIf(cloud.kind !== "embedded")("needs a password where the database has one", async () => {
    expect(await refusal(changed(cloud.databaseUrl, { password: "" }))).toMatchObject({
      message: "missing authentication credentials: required password",
    });
  });
});
