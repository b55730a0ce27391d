import { type SQL, sql } from "drizzle-orm";
import { param } from "../statement.ts";

/** The date in the API's time zone. Every statement of an authenticated request has this parameter. */
export const today = sql`${param("today")}::date`;

/** The lowest possible age of a patient today (drizzle/0024_birth_dates.sql). */
export const ageToday = (alias: string): SQL => sql`age_on(${sql.raw(alias)}.born_to, ${today})`;
