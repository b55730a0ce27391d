import { type SQL, sql } from "drizzle-orm";

// Replaces src/db/query/audit.ts in a Worker that writes no audit events. The difference to the API is the cost of the audit log.
export {
  action,
  changesBetween,
  ended,
  outcomeOfReading,
  outcomeOfWriting,
} from "../src/db/query/audit.ts";

/** A step of the statement that no other step refers to, so PostgreSQL does not run it. */
export const recording = (): SQL => sql`SELECT`;
