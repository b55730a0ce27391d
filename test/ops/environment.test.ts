import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { neonConfig } from "@neondatabase/serverless";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { configuredUrl, isLocal, neonEndpoint } from "../../ops/environment.ts";

describe("the HTTP endpoint of Neon", () => {
  test.each([
    ["ep-x-123.us-east-2.aws.neon.tech", "https://api.us-east-2.aws.neon.tech/sql"],
    ["EP-x-123-pooler.us-east-2.aws.NEON.tech", "https://api.us-east-2.aws.neon.tech/sql"],
    ["ep-x-123.eu-central-1.aws.neon.build", "https://api.eu-central-1.aws.neon.build/sql"],
  ])("of %s is %s, as the driver chooses it", (host, endpoint) => {
    const { fetchEndpoint } = neonConfig;
    expect(neonEndpoint(`postgresql://ada:pw@${host}/neondb?sslmode=require`)).toBe(endpoint);
    expect(typeof fetchEndpoint === "function" && fetchEndpoint(host.toLowerCase(), 5432)).toBe(endpoint);
  });

  test.each([
    ...["127.0.0.1:5432", "localhost", "db.example.com"],
    ...["neon.tech", "db.neon.tech.example.com", "db.notneon.tech"],
  ])("is none for %s", (host) => expect(neonEndpoint(`postgres://ada:pw@${host}/neon.tech`)).toBeUndefined());
});

test("localhost and the loopback addresses are this machine, and no other host is", () => {
  const local = ["localhost", "127.0.0.1", "[::1]"];
  const hosts = [...local, "db.example.com", "localhost.example.com", "10.0.0.1"];
  expect(hosts.filter((host) => isLocal(new URL(`postgres://ada@${host}/x`)))).toEqual(local);
});

describe("the configured URL", () => {
  afterEach(() => vi.unstubAllEnvs());

  function withEnvironment(url: string): string | undefined {
    vi.stubEnv("DATABASE_URL", url);
    return configuredUrl();
  }

  test.each([
    ["postgres://ada:pw@db.example:5433/hospital"],
    ["postgresql://ada:pw@ep-x.neon.tech/neondb?sslmode=require&channel_binding=require"],
    ["postgres://a%40b:p%2Fw@db.example/hospital"],
    ["postgres://ada@db.example?sslmode=require", "postgres://ada@db.example/ada?sslmode=require"],
    ["postgres://a%2Fb:pw@db.example:5432/", "postgres://a%2Fb:pw@db.example:5432/a%2Fb"],
    ["postgres://postgres:postgres@127.0.0.1:5488/postgres", undefined],
  ])("of %s is itself, or %s", (url, expected = url.includes(":5488") ? undefined : url) => {
    expect(withEnvironment(url)).toBe(expected);
  });

  test.each([
    ...["garbage", "postgres://", "postgres://db.example/hospital", "mysql://ada:pw@db.example/hospital"],
    ...["postgres://ada:pw@db.example:port/hospital", "host=db.example user=ada password=pw"],
  ])("%s is refused in a sentence without it", (url) => {
    expect(() => withEnvironment(url)).toThrow(
      /^DATABASE_URL must look like postgresql:\/\/user:password@host:5432\/database\.$/,
    );
  });
});

describe("the database that a command works on", () => {
  let project: string;
  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), "project-"));
    const ours = join(import.meta.dirname, "..", "..", "ops");
    cpSync(join(ours, "environment.ts"), join(project, "ops", "environment.ts"));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(project, { recursive: true });
  });

  async function there(environment = ""): Promise<string> {
    vi.stubEnv("DATABASE_URL", environment);
    const module = await import(/* @vite-ignore */ join(project, "ops", "environment.ts"));
    return module.databaseUrl();
  }

  const writeVars = () =>
    writeFileSync(join(project, ".dev.vars"), 'DATABASE_URL="postgres://vars@db.example/vars"\n');
  function bringUp(): void {
    mkdirSync(join(project, ".data"));
    writeFileSync(join(project, ".data", "database-url"), "postgres://postgres:pw@127.0.0.1:5488/postgres");
  }

  test("is the environment's before that of .dev.vars", async () => {
    writeVars();
    expect(await there("postgres://env@db.example/env")).toBe("postgres://env@db.example/env");
  });

  test("is that of .dev.vars before the one that comes with the project", async () => {
    writeVars();
    bringUp();
    expect(await there()).toBe("postgres://vars@db.example/vars");
  });

  test("is the one that comes with the project, once it has been brought up", async () => {
    await expect(there()).rejects.toThrow(/^DATABASE_URL is not set\. /);
    bringUp();
    expect(await there()).toBe("postgres://postgres:pw@127.0.0.1:5488/postgres");
  });
});
