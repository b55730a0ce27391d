import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { renderStatement } from "../../src/db/render.ts";
import { patients } from "../../src/db/schema.ts";
import { csvRow } from "../../src/http/csv-writer.ts";
import { owner } from "../support/owner.ts";

test("a NULL is an empty cell, and the cells after it keep their columns", async () => {
  const names = ["id", "firstname", "age", "email", "gender", "created_at"];
  const { text } = renderStatement(
    () => sql`SELECT ${csvRow(patients, "p", names)} AS line FROM (VALUES
    (7, NULL::text, NULL::int, '=1"', 'F', NULL::timestamptz), (8, 'Ada', 36, NULL, NULL, '2026-11-27T20:15:00Z')
  ) p (id, firstname, age, email, gender, created_at)`,
  );
  expect(await owner().query(text)).toEqual([
    { line: '7,,,"\'=1""","F",\r\n' },
    { line: '8,"Ada",36,,,2026-11-27T20:15:00.000Z\r\n' },
  ]);
});
