import { type SQL, sql } from "drizzle-orm";

// Replaces src/db/query/steps/audit.ts in a Worker that inserts no audit events. The difference to the API is the cost of
// the audit log.
export { changesBetween, doneOrRefused, readOutcome, writeOutcome } from "../src/db/query/steps/audit.ts";

/** A step of the statement that no other step refers to, so PostgreSQL does not run it. */
export const insertAuditEvent = (): SQL => sql`SELECT`;
