import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { neonConfig } from "@neondatabase/serverless";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { databaseUrl, embeddedUrl, neonEndpoint } from "../../local/environment.ts";

describe("neonEndpoint", () => {
  const endpointOfDriver = neonConfig.fetchEndpoint;

  test.each([
    ["ep-x-123.us-east-2.aws.neon.tech", "https://api.us-east-2.aws.neon.tech/sql"],
    ["ep-x-123-pooler.us-east-2.aws.neon.tech", "https://api.us-east-2.aws.neon.tech/sql"],
    ["EP-X-123.US-EAST-2.AWS.NEON.TECH", "https://api.us-east-2.aws.neon.tech/sql"],
    ["ep-x-123.eu-central-1.aws.neon.build", "https://api.eu-central-1.aws.neon.build/sql"],
  ])("of %s is %s", (host, endpoint) => {
    expect(neonEndpoint(`postgresql://ada:pw@${host}/neondb?sslmode=require`)).toBe(endpoint);
  });

  test("is the one that the driver chooses", () => {
    const host = "ep-x-123.us-east-2.aws.neon.tech";
    const chosen = typeof endpointOfDriver === "function" ? endpointOfDriver(host, 5432) : endpointOfDriver;
    expect(neonEndpoint(`postgresql://ada:pw@${host}/neondb`)).toBe(chosen);
  });

  test.each([
    "127.0.0.1:5432",
    "localhost",
    "[::1]:5432",
    "db.example.com",
    "neon.tech",
    "db.neon.tech.example.com",
    "db.notneon.tech",
    "db.neonXtech",
  ])("of %s is undefined", (host) => {
    expect(neonEndpoint(`postgres://ada:pw@${host}/neon.tech`)).toBeUndefined();
  });
});

describe("databaseUrl", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  function withEnvironment(url: string): string {
    vi.stubEnv("DATABASE_URL", url);
    return databaseUrl();
  }

  test.each([
    "postgres://ada:pw@db.example:5433/hospital",
    "postgresql://ada:pw@ep-x.neon.tech/neondb?sslmode=require&channel_binding=require",
    "postgres://a%40b:p%2Fw@db.example/hospital",
  ])("is %s when the environment says so", (url) => {
    expect(withEnvironment(url)).toBe(url);
  });

  test.each([
    ["postgres://ada@db.example", "postgres://ada@db.example/ada"],
    ["postgres://ada:pw@db.example:5432/", "postgres://ada:pw@db.example:5432/ada"],
    ["postgres://ada@db.example?sslmode=require", "postgres://ada@db.example/ada?sslmode=require"],
    ["postgres://a%2Fb@db.example", "postgres://a%2Fb@db.example/a%2Fb"],
  ])("of %s, which names no database, names the user's", (url, completed) => {
    expect(withEnvironment(url)).toBe(completed);
  });

  test.each([
    "garbage",
    "postgres",
    "postgres://",
    "postgres://db.example/hospital",
    "postgres://ada:pw@db.example:port/hospital",
    "mysql://ada:pw@db.example/hospital",
    "https://ada:pw@db.example/hospital",
    "host=db.example user=ada password=pw",
  ])("refuses %s in a sentence without it", (url) => {
    expect(() => withEnvironment(url)).toThrow(
      /^DATABASE_URL must look like postgresql:\/\/user:password@host:5432\/database\.$/,
    );
  });

  describe("in a directory of its own", () => {
    let directory: string;
    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), "project-"));
      const source = join(import.meta.dirname, "..", "..", "local", "environment.ts");
      cpSync(source, join(directory, "local", "environment.ts"));
    });
    afterEach(() => rmSync(directory, { recursive: true }));

    /** What databaseUrl gives there. */
    async function there(environment: string): Promise<string> {
      vi.stubEnv("DATABASE_URL", environment);
      const module = await import(/* @vite-ignore */ join(directory, "local", "environment.ts"));
      return module.databaseUrl();
    }

    const writeVars = () =>
      writeFileSync(join(directory, ".dev.vars"), 'DATABASE_URL="postgres://vars@db.example/vars"\n');

    test("prefers the environment to .dev.vars", async () => {
      writeVars();
      expect(await there("postgres://env@db.example/env")).toBe("postgres://env@db.example/env");
    });

    test("is that of .dev.vars when the environment has none", async () => {
      writeVars();
      expect(await there("")).toBe("postgres://vars@db.example/vars");
    });

    test("is the embedded PostgreSQL's when neither has one", async () => {
      expect(await there("")).toBe(embeddedUrl);
    });
  });
});
