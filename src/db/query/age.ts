import { type SQL, sql } from "drizzle-orm";

/** The date in the caller's clinic. */
export const today = sql`(SELECT today FROM caller)`;

/** The lowest possible age of a patient today (drizzle/0024_birth_dates.sql). */
export const ageToday = (alias: string): SQL => sql`age_on(${sql.raw(alias)}.born_to, ${today})`;
