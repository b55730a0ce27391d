/**
 * Run by directory.test.ts as a process of its own, to be killed: starts the embedded PostgreSQL on the directory
 * given, says which number it found to be the last, and inserts one after the other, saying each that is committed.
 */
import pg from "pg";
import { startEmbeddedPostgres } from "../../local/embedded/postgres.ts";

const postgres = await startEmbeddedPostgres({ dataDir: process.argv[2], port: 0 });
const client = new pg.Client(postgres.url);
await client.connect();
await client.query("CREATE TABLE IF NOT EXISTS numbers (number int PRIMARY KEY)");
const { rows } = await client.query(
  "SELECT count(*)::int AS count, coalesce(max(number), 0) AS last FROM numbers",
);
const [{ count, last }] = rows;
if (count !== last) throw new Error(`${count} rows, but the last is number ${last}`);
process.send?.(last);
for (let number = last + 1; ; number += 1) {
  await client.query("INSERT INTO numbers VALUES ($1)", [number]);
  process.send?.(number);
}
