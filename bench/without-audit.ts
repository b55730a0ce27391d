import { type SQL, sql } from "drizzle-orm";

// In place of src/db/audit.ts, for a Worker that does all but put it on record: what it saves is what the record costs.
export {
  action,
  changesBetween,
  ended,
  outcomeOfReading,
  outcomeOfWriting,
} from "../src/db/audit.ts";

/** A step that nothing asks for, and that is therefore not taken. */
export const recording = (): SQL => sql`SELECT`;
