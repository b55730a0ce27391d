import pg from "pg";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { migrate } from "../../local/migrate.ts";
import { addWards, emptyDatabase, migrationsAnd, ownCount, state, strings } from "./commands.ts";
import { changed, describeOnDatabase, startTime, withClient } from "./support.ts";

vi.setConfig({ testTimeout: startTime, hookTimeout: startTime });

const broken = `
  CREATE TABLE beds (id integer);
--> statement-breakpoint
  ALTER TABLE nowhere ADD bed_id integer;`;

describeOnDatabase("Migrating", (cloud) => {
  let url: string;
  beforeEach(async () => {
    url = await emptyDatabase(cloud);
  });

  describe("with a migration that fails", () => {
    test("says why in a sentence", async () => {
      await expect(migrate(url, migrationsAnd(broken))).rejects.toThrow(
        /^A migration failed, and none was applied: relation "nowhere" does not exist\. Mend what it met, then migrate again\.$/,
      );
    });

    test("applies neither it nor the good ones before it to a fresh database", async () => {
      await expect(migrate(url, migrationsAnd(addWards, broken))).rejects.toThrow("A migration failed");
      expect(await state(url)).toEqual({ structure: [], applied: [] });
    });

    test("applies neither it nor the good ones before it to a migrated database", async () => {
      await migrate(url);
      const before = await state(url);
      await expect(migrate(url, migrationsAnd(addWards, broken))).rejects.toThrow("A migration failed");
      expect(await state(url)).toEqual(before);
    });

    test("can be done again once it is mended", async () => {
      await expect(migrate(url, migrationsAnd(addWards, broken))).rejects.toThrow("A migration failed");
      expect(await migrate(url, migrationsAnd(addWards))).toBe(ownCount + 1);
    });

    test("that meets data it cannot take leaves the data and the schema as they were", async () => {
      await migrate(url);
      await withClient(url, (client) =>
        client.query(
          "INSERT INTO users (username, email, password_hash) VALUES ('ada', 'a@b', repeat('x', 60))",
        ),
      );
      const before = await state(url);
      const strict = "UPDATE users SET email = 'x@y'; ALTER TABLE users ADD phone text NOT NULL";
      await expect(migrate(url, migrationsAnd(strict))).rejects.toThrow('column "phone" of relation "users"');
      expect(await state(url)).toEqual(before);
      expect(await strings(url, "SELECT email FROM users")).toEqual(["a@b"]);
    });
  });

  test("with older code than migrated the database is refused, and changes nothing", async () => {
    await migrate(url, migrationsAnd(addWards));
    const before = await state(url);
    await expect(migrate(url)).rejects.toThrow(
      /^The database is newer than this code: deploy the code that migrated it, or a later one\.$/,
    );
    expect(await state(url)).toEqual(before);
  });

  describe("with a missing migration older than one the database has", () => {
    const addBeds = "CREATE TABLE beds (id integer)";

    test("is refused, and changes nothing", async () => {
      await migrate(url, migrationsAnd(undefined, addWards));
      const before = await state(url);
      await expect(migrate(url, migrationsAnd(addBeds, addWards))).rejects.toThrow(
        /^A missing migration is older than one the database has: remove it, and generate it anew\.$/,
      );
      expect(await state(url)).toEqual(before);
    });

    test("does not apply the newer ones either", async () => {
      await migrate(url, migrationsAnd(undefined, addWards));
      const before = await state(url);
      const folder = migrationsAnd(addBeds, addWards, "ALTER TABLE wards ADD floor smallint");
      await expect(migrate(url, folder)).rejects.toThrow("A missing migration is older");
      expect(await state(url)).toEqual(before);
    });

    test("succeeds once it is generated anew", async () => {
      await migrate(url, migrationsAnd(undefined, addWards));
      expect(await migrate(url, migrationsAnd(undefined, addWards, addBeds))).toBe(1);
    });
  });

  test("a database that is not there is refused in a sentence", async () => {
    const { host } = new URL(url);
    await expect(migrate(changed(url, { pathname: "/nowhere" }))).rejects.toMatchObject({
      message: `Cannot connect to the database ${host}/nowhere: database "nowhere" does not exist. Is DATABASE_URL right, and the server up?`,
    });
  });

  // A server may trust whoever comes from its own machine.
  test.skipIf(cloud.kind !== "embedded")(
    "with a wrong password is refused in a sentence without it",
    async () => {
      const { host } = new URL(url);
      await expect(migrate(changed(url, { password: "s3cret" }))).rejects.toMatchObject({
        message: `Cannot connect to the database ${host}/postgres: password authentication failed for user "postgres". Is DATABASE_URL right, and the server up?`,
      });
    },
  );
});

describe("Migrating through a pooled address", () => {
  beforeEach(() => {
    vi.spyOn(pg.Client.prototype, "connect").mockRejectedValue(new Error("no network"));
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test.each([
    "ep-calm-sea-123456-pooler.us-east-2.aws.neon.tech",
    "EP-CALM-SEA-123456-POOLER.US-EAST-2.AWS.NEON.TECH",
  ])("of Neon's (%s) is refused in a sentence, and connects to nothing", async (host) => {
    await expect(migrate(`postgresql://ada:s3cret@${host}/neondb?sslmode=require`)).rejects.toThrow(
      /^This is Neon's pooled address: migrations need the direct one, the same without -pooler\.$/,
    );
    expect(pg.Client.prototype.connect).not.toHaveBeenCalled();
  });

  test("of somebody else's connects", async () => {
    await expect(migrate("postgresql://ada:s3cret@db-pooler.example.com/hospital")).rejects.toThrow(
      /^Cannot connect to the database db-pooler\.example\.com\/hospital: no network\./,
    );
  });
});
