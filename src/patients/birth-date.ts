import { bodyRule } from "../http/body-schemas.ts";
import { rule } from "../http/fields.ts";
import * as z from "../zod.ts";

const BIRTH_DATE = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$/;

/**
 * Whether a text is a date of the calendar from the year 1 on, of which the day, or the month and the day, may be
 * missing.
 */
function isBirthDate(text: string): boolean {
  const [, year, month = "01", day = "01"] = BIRTH_DATE.exec(text) ?? [];
  if (year === undefined || year === "0000") return false;
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  // JavaScript makes 30 February a day in March.
  return !Number.isNaN(date.getTime()) && date.getUTCMonth() + 1 === Number(month);
}

/** A birth date: `1990`, `1990-05` or `1990-05-17`. Whether it is possible today, the statement decides. */
export const birthDate = z
  .string()
  .check(
    rule(isBirthDate, "invalid_format", "Must be a date like 1990-05-17, 1990-05 or 1990"),
    z.meta({ pattern: "^\\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\\d|3[01]))?)?$", not: { pattern: "^0000" } }),
  );

type Birth = { birth_date?: string | null; age?: number | null };

/** A new patient has a birth date or an age. */
export const birthRequired = bodyRule<Birth>(
  ({ birth_date, age }) => (birth_date ?? age ?? null) !== null,
  "required",
  "Required, unless there is a birth_date",
  "age",
);

/** An age can be left out, but not removed. */
export const ageNotNull = bodyRule<Birth>(
  ({ birth_date, age }) => age !== null || (birth_date ?? null) !== null,
  "invalid_type",
  "Must be a whole number",
  "age",
);

// The same rules in JSON Schema: what a body must not be, for `z.meta({ not })`.

/** A new patient. */
export const hasNoBirth = { properties: { age: { type: "null" }, birth_date: { type: "null" } } };
/** A change. */
export const removesAge = { ...hasNoBirth, required: ["age"] };

/** A birth date in a query, as its first possible day: `1990-05` is `1990-05-01`. */
export const firstDay = z.pipe(
  birthDate,
  z.transform((text: string) => `${text}-01-01`.slice(0, ISO_LENGTH)),
);

/** The same as its last possible day: `1990-02` is `1990-02-28`. */
export const lastDay = z.pipe(
  birthDate,
  z.transform((text: string) => {
    const [year = "", month = "12", day] = text.split("-");
    if (day !== undefined) return text;
    // The day before the first of the next month.
    const last = new Date(0);
    last.setUTCFullYear(Number(year), Number(month), 0);
    return last.toISOString().slice(0, ISO_LENGTH);
  }),
);

/** The length of `1990-05-17`. */
const ISO_LENGTH = 10;
