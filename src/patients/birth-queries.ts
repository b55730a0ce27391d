import { type SQL, sql } from "drizzle-orm";
import { ageToday, today } from "../db/query/age.ts";

// The birth date and the age of a patient `p` (drizzle/0024_birth_dates.sql).

export const patientAge = ageToday("p");

/** The ETag of a patient: the age changes without the version. */
export const patientTag = sql`p.version || '.' || ${patientAge}`;

/**
 * The step `birth`: the birth date or age after a request, and why it is not possible.
 *
 * @param current the row before the change; NULLs for a new patient.
 * @param sent the JSON object with the request's fields. A `birth_date` that is null is removed.
 * @param from where both are.
 * @param columns more columns, with a comma after them.
 */
export const birthOf = (
  current: SQL,
  sent: SQL,
  from: SQL,
  columns = sql``,
): SQL => sql`SELECT ${columns}birth.*
    FROM ${from}, change_birth(${current},
      CASE WHEN ${sent} ? 'birth_date' THEN coalesce(${sent} ->> 'birth_date', '') END, (${sent} ->> 'age')::int, ${today}) birth`;

/** The errors of the step `birth`, as rows of `field` and `code`. */
export const birthErrors = sql`SELECT error_field AS field, error_code AS code FROM birth WHERE error_field IS NOT NULL`;

const newBirth = sql`birth.new_birth_date, birth.new_age, birth.new_age_as_of`;
/** The possible days of birth after a request, from the step `birth`. */
export const newBornFrom = sql`earliest_birth_day(${newBirth})`;
export const newBornTo = sql`latest_birth_day(${newBirth})`;

/** The columns of a new patient. */
export const draftBirth = sql`birth.new_birth_date AS birth_date, birth.new_age AS age, birth.new_age_as_of AS age_as_of,
      ${newBornTo} AS born_to`;
