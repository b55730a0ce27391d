import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../local/embedded/postgres.ts";
import { createPool, type Pool } from "../../local/endpoint/pool.ts";
import { startTime } from "./support.ts";

let postgres: EmbeddedPostgres;
beforeAll(async () => {
  postgres = await startEmbeddedPostgres({ dataDir: undefined, port: 0 });
}, startTime);
afterAll(() => postgres.stop());

const account = { user: "postgres", password: "postgres", database: "postgres" };
const signal = new AbortController().signal;

/** Runs `work` with a pool of one connection, and with a function that tells which connection it lends. */
async function withPool(
  work: (pool: Pool, lent: (name?: string) => Promise<pg.Client>) => Promise<void>,
  idleTime = 60_000,
): Promise<void> {
  const pool = createPool({ databaseUrl: postgres.url, limit: 1, idleTime });
  const credentials = (name: string) => ({ ...account, options: undefined, application_name: name });
  await work(pool, (name = "a") => pool.use(credentials(name), signal, async (client) => client));
  await pool.close();
}

const owner = { ...account, options: undefined, application_name: "a" };

test("The pool lends the same connection again", () =>
  withPool(async (_, lent) => {
    expect(await lent()).toBe(await lent());
  }));

test("The pool closes a connection that nobody used for a while", () =>
  withPool(async (_, lent) => {
    const client = await lent();
    await new Promise((resolve) => client.once("end", resolve));
    expect(await lent()).not.toBe(client);
  }, 50));

test("The pool drops a connection that was left in the middle of something", () =>
  withPool(async (pool, lent) => {
    const client = await lent();
    const failure = new Error("not PostgreSQL's");
    await expect(pool.use(owner, signal, () => Promise.reject(failure))).rejects.toBe(failure);
    expect(await lent()).not.toBe(client);
  }));

test("The pool makes room by closing another account's idle connection", () =>
  withPool(async (_, lent) => {
    const client = await lent("a");
    const ended = new Promise((resolve) => client.once("end", resolve));
    expect(await lent("b")).not.toBe(client);
    await ended;
  }));

test("The pool lets others wait when all connections are lent", () =>
  withPool(async (pool) => {
    const order: string[] = [];
    const work = (name: string) => async (client: pg.Client) => {
      order.push(`${name} begins`);
      await client.query("SELECT 1");
      order.push(`${name} ends`);
    };
    await Promise.all(["one", "two"].map((name) => pool.use(owner, signal, work(name))));
    expect(order).toEqual(["one begins", "one ends", "two begins", "two ends"]);
  }));

test("The pool forgets who gives up waiting", () =>
  withPool(async (pool, lent) => {
    const hangUp = new AbortController();
    const reason = new Error("gone");
    await pool.use(owner, signal, async () => {
      const waiting = pool.use(owner, hangUp.signal, () => Promise.reject(new Error("it ran")));
      hangUp.abort(reason);
      await expect(waiting).rejects.toBe(reason);
    });
    await lent();
  }));
