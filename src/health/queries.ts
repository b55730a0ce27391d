import { sql } from "drizzle-orm";
import { defineStatement } from "../db/statement.ts";

/** Whether the database answers. */
export const pingDatabase = defineStatement<{ one: number }, object>(
  "health/ping",
  () => sql`-- GET /readyz
SELECT 1 AS one`,
);
