import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { neonConfig } from "@neondatabase/serverless";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { configuredUrl, neonEndpoint } from "../../ops/environment.ts";
import { isLocal } from "../../src/local-host.ts";

describe("neonEndpoint", () => {
  test.each([
    ["ep-x-123.us-east-2.aws.neon.tech", "https://api.us-east-2.aws.neon.tech/sql"],
    ["EP-x-123-pooler.us-east-2.aws.NEON.tech", "https://api.us-east-2.aws.neon.tech/sql"],
    ["ep-x-123.eu-central-1.aws.neon.build", "https://api.eu-central-1.aws.neon.build/sql"],
  ])("of %s is %s, as in Neon's driver", (host, endpoint) => {
    const { fetchEndpoint } = neonConfig;
    expect(neonEndpoint(`postgresql://ada:pw@${host}/neondb?sslmode=require`)).toBe(endpoint);
    expect(typeof fetchEndpoint === "function" && fetchEndpoint(host.toLowerCase(), 5432)).toBe(endpoint);
  });

  test.each([
    ...["127.0.0.1:5432", "localhost", "db.example.com"],
    ...["neon.tech", "db.neon.tech.example.com", "db.notneon.tech"],
  ])("of %s is undefined", (host) =>
    expect(neonEndpoint(`postgres://ada:pw@${host}/neon.tech`)).toBeUndefined(),
  );
});

test("isLocal is true for localhost and the loopback addresses only", () => {
  const local = ["localhost", "127.0.0.1", "[::1]"];
  const hosts = [...local, "db.example.com", "localhost.example.com", "10.0.0.1"];
  expect(hosts.filter((host) => isLocal(new URL(`postgres://ada@${host}/x`)))).toEqual(local);
});

describe("configuredUrl", () => {
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
  ])("of DATABASE_URL %s is the same, or %s", (url, expected = url) => {
    expect(withEnvironment(url)).toBe(expected);
  });

  test.each([
    ...["garbage", "postgres://", "postgres://db.example/hospital", "mysql://ada:pw@db.example/hospital"],
    ...["postgres://ada:pw@db.example:port/hospital", "host=db.example user=ada password=pw"],
  ])("the malformed DATABASE_URL %s is refused with its format, and not repeated", (url) => {
    expect(() => withEnvironment(url)).toThrow(
      /^DATABASE_URL must look like postgresql:\/\/user:password@host:5432\/database\.$/,
    );
  });
});

describe("databaseUrl", () => {
  let project: string;
  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), "project-"));
    const root = join(import.meta.dirname, "..", "..");
    for (const file of ["ops/environment.ts", "src/local-host.ts"])
      cpSync(join(root, file), join(project, file));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(project, { recursive: true });
  });

  const load = () => import(/* @vite-ignore */ join(project, "ops", "environment.ts"));

  async function databaseUrlOfProject(environment = ""): Promise<string> {
    vi.stubEnv("DATABASE_URL", environment);
    return (await load()).databaseUrl();
  }

  const writeVars = () =>
    writeFileSync(join(project, ".dev.vars"), 'DATABASE_URL="postgres://vars@db.example/vars"\n');
  function writeEmbeddedUrl(port = 5488): void {
    mkdirSync(join(project, ".data"));
    const url = `postgres://postgres:pw@127.0.0.1:${port}/postgres`;
    writeFileSync(join(project, ".data", "database-url"), url);
  }

  test("prefers the environment to .dev.vars", async () => {
    writeVars();
    expect(await databaseUrlOfProject("postgres://env@db.example/env")).toBe("postgres://env@db.example/env");
  });

  test("prefers .dev.vars to the embedded database", async () => {
    writeVars();
    writeEmbeddedUrl();
    expect(await databaseUrlOfProject()).toBe("postgres://vars@db.example/vars");
  });

  test("is the embedded database once that exists; until then it throws", async () => {
    await expect(databaseUrlOfProject()).rejects.toThrow(
      /^DATABASE_URL is not set, and there is no local database yet\. /,
    );
    writeEmbeddedUrl();
    expect(await databaseUrlOfProject()).toBe("postgres://postgres:pw@127.0.0.1:5488/postgres");
  });

  test.each([
    ["one on port 5488, before any has been brought up", undefined, "postgres@127.0.0.1:5488", true],
    ["one on the port of this checkout", 5490, "postgres@127.0.0.1:5490", true],
    ["one with this checkout's password, on the port that it had before", 5490, "pw@localhost:5488", true],
    ["one on port 5488, which is another checkout's", 5490, "other@127.0.0.1:5488", false],
    ["one on another machine", 5490, "pw@db.example:5490", false],
  ])(
    "DATABASE_URL of %s (.data/database-url: port %s; DATABASE_URL: %s): it is this checkout's own: %j",
    async (_, port, rest, isOwn) => {
      if (port) writeEmbeddedUrl(port);
      const url = `postgres://postgres:${rest}/postgres`;
      vi.stubEnv("DATABASE_URL", url);
      expect((await load()).configuredUrl()).toBe(isOwn ? undefined : url);
    },
  );
});
