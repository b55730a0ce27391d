import { isTimeZone } from "../config.ts";
import * as z from "../zod.ts";
import { rule, textField, trimmedPattern } from "./fields.ts";

/**
 * A name of IANA, not an offset: PostgreSQL reads `UTC+3` and `FOO3` as POSIX does, three hours behind UTC. JavaScript
 * accepts `+03:00`.
 */
const ZONE_NAME = "^[A-Za-z]\\w*(?:[/+-]\\w+)*$";
const zoneName = new RegExp(ZONE_NAME);

/** The name of a time zone. */
export const timeZoneField = textField(64).check(
  rule(
    (name) => zoneName.test(name) && isTimeZone(name),
    "invalid_value",
    "Must be the name of a time zone, such as UTC or Europe/Berlin",
  ),
  z.meta({ pattern: trimmedPattern(ZONE_NAME) }),
);

/** How long an appointment is at least and at most, in minutes. */
export const [MIN_MINUTES, MAX_MINUTES] = [5, 480];
export const minutesField = z.int().check(z.minimum(MIN_MINUTES), z.maximum(MAX_MINUTES));

/** The length of `2026-11-26T09:30:00.123456+05:30`. */
const MAX_MOMENT_LENGTH = 32;
const OFFSET = "(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)$";
const MINUTE = "^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T([01]\\d|2[0-3]):[0-5]\\d";
const wholeMinute = new RegExp(`T\\d\\d:\\d\\d:00(\\.0+)?${OFFSET}`);

const yearInUtc = (text: string): number => new Date(text).getUTCFullYear();

const momentText = z.iso
  .datetime({
    offset: true,
    local: false,
    error: "Must be a time with its offset like 2026-11-26T09:30:00+01:00 or 2026-11-26T08:30:00Z",
  })
  .check(
    z.maxLength(MAX_MOMENT_LENGTH),
    // PostgreSQL has no year 0, and JavaScript writes a year of five digits in another way. Of a text that is no time,
    // the year is NaN, and no number is compared.
    rule((text) => !(yearInUtc(text) < 1), "too_small", "Must be in the year 1 or later"),
    rule((text) => !(yearInUtc(text) > 9999), "too_big", "Must be in the year 9999 or earlier"),
    z.meta({ pattern: `${MINUTE}:[0-5]\\d(\\.\\d+)?${OFFSET}`, not: { pattern: "^0000" } }),
  );

/** The same moment in UTC. RFC 3339 allows offsets of up to 23:59, PostgreSQL only up to 15:59. */
const inUtc = z.transform((text: string) => new Date(text).toISOString());

/** A moment in a body: a time with its offset from UTC, `2026-11-26T09:30:00+01:00`. Its value is the same moment in UTC. */
export const momentField = z.pipe(momentText, inUtc);

/** The same, on a whole minute. */
export const minuteField = z.pipe(
  momentText.check(
    rule(
      (text) => wholeMinute.test(text) || Number.isNaN(yearInUtc(text)),
      "invalid_format",
      "Must be on a whole minute, such as 2026-11-26T09:30:00+01:00",
    ),
    z.meta({ pattern: `${MINUTE}:00(\\.0+)?${OFFSET}` }),
  ),
  inUtc,
);

/** A date in a query, `2026-11-26`. At the end of the year 9999, UTC may be in the next one. */
export const dateParam = z.iso.date({ error: "Must be a date like 2026-11-26" }).check(
  rule((text) => !text.startsWith("0000"), "too_small", "Must be in the year 1 or later"),
  rule((text) => text !== "9999-12-31", "too_big", "Must be before 9999-12-31"),
  z.meta({
    pattern: "^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$",
    not: { pattern: "^0000|^9999-12-31" },
  }),
);
