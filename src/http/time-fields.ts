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

/** The length of `2026-11-26T09:30:00.123456+05:30`. */
const MAX_MOMENT_LENGTH = 32;
const MOMENT =
  "^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d+)?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)$";

/** A moment in a body: a time with its offset from UTC, `2026-11-26T09:30:00+01:00`. PostgreSQL has no year 0. */
export const momentField = z.iso
  .datetime({
    offset: true,
    local: false,
    error: "Must be a time with its offset like 2026-11-26T09:30:00+01:00 or 2026-11-26T08:30:00Z",
  })
  .check(
    z.maxLength(MAX_MOMENT_LENGTH),
    rule((text) => !text.startsWith("0000"), "too_small", "Must be in the year 1 or later"),
    z.meta({ pattern: MOMENT, not: { pattern: "^0000" } }),
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
