import { specializations } from "../db/schema.ts";
import { bodyRule, requestBody } from "../http/body-schemas.ts";
import { idParam, integerParam, rule, timestampParam } from "../http/fields.ts";
import { definePageQuery } from "../http/pagination.ts";
import { strictQuery } from "../http/query.ts";
import {
  dateParam,
  MAX_MINUTES,
  MIN_MINUTES,
  minutesField,
  momentField,
  timeZoneField,
} from "../http/time-fields.ts";
import * as z from "../zod.ts";

/** How many entries the hours of a week have at most. */
export const MAX_HOURS = 50;

const DAY_MS = 86_400_000;

/** Hours on one day of the week. `weekday` is 1 for Monday to 7 for Sunday, as in ISO 8601. */
interface Hours {
  weekday: number;
  from: string;
  to: string;
}

/** `09:30`; only the end of a day is `24:00`. */
const TIME_OF_DAY = /^(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/;
const timeOfDay = z.string().check(z.meta({ pattern: TIME_OF_DAY.source }));

const isPeriod = ({ from, to }: Hours): boolean =>
  TIME_OF_DAY.test(from) && TIME_OF_DAY.test(to) && from < to;

export const hoursEntry = z.strictObject(
  { weekday: z.int().check(z.minimum(1), z.maximum(7)), from: timeOfDay, to: timeOfDay },
  { error: ({ code }) => (code === "unrecognized_keys" ? "Unknown field" : undefined) },
);

/** An error names `hours`, and not one of its entries: what is wrong may be how `from` and `to` of an entry fit together. */
const hoursField = z.array(hoursEntry).check(
  z.maxLength(MAX_HOURS),
  rule(
    (hours) => hours.every(isPeriod),
    "invalid_value",
    "Must have times of the day like 09:30 in from and to, with to after from and at most 24:00",
  ),
);

/** What a doctor's schedule has, as a PUT sends it whole. */
export const NewSchedule = requestBody(
  {
    time_zone: timeZoneField,
    slot_minutes: z._default(minutesField, 30),
    hours: hoursField,
  },
  ["doctor", "updated_at", "version"],
);

const minutesOfDay = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

/** Hours as an `int4multirange` of minutes since Monday 00:00. PostgreSQL makes one range of those that touch or overlap. */
export function weekOf(hours: Hours[]): string {
  const ranges = hours.map(({ weekday, from, to }) => {
    const midnight = (weekday - 1) * 24 * 60;
    return `[${midnight + minutesOfDay(from)},${midnight + minutesOfDay(to)})`;
  });
  return `{${ranges.join(",")}}`;
}

interface Days {
  from: string;
  to: string;
}

/**
 * How many milliseconds one date or moment is after another; NaN unless both are valid, and so have no errors of their
 * own.
 */
const timeBetween = (field: z.ZodMiniType, from: string, to: string): number =>
  [from, to].every((text) => field.safeParse(text).success) ? Date.parse(to) - Date.parse(from) : Number.NaN;

/** `to` is not before `from`, and both and the days between them are at most `max` days. */
const daysRules = (max: number) => [
  bodyRule<Days>(
    ({ from, to }) => !(timeBetween(dateParam, from, to) < 0),
    "too_small",
    "Must not be before from",
    "to",
  ),
  bodyRule<Days>(
    ({ from, to }) => !(timeBetween(dateParam, from, to) >= max * DAY_MS),
    "too_big",
    `Must be at most ${max - 1} days after from`,
    "to",
  ),
];

const days = { from: dateParam, to: dateParam };
const minutesParam = z.optional(integerParam(MIN_MINUTES, MAX_MINUTES));

/** The query of a doctor's free slots. `from` and `to` are dates in the doctor's time zone. */
export const SlotsQuery = z.lazy(() =>
  strictQuery({
    ...days,
    minutes: minutesParam,
    patient: z.optional(idParam),
    limit: z._default(integerParam(1, 1000), 200),
    after: z.optional(timestampParam),
  }).check(...daysRules(31)),
);

/** The query of the doctors who are free earliest. */
export const EarliestSlotsQuery = z.lazy(() =>
  strictQuery({
    ...days,
    minutes: minutesParam,
    specialization: z.optional(z.enum(specializations)),
  }).check(...daysRules(7)),
);

export const AbsencesQuery = definePageQuery({});

interface Period {
  starts_at: string;
  ends_at: string;
}

/** How long an absence is at most. */
const MAX_ABSENCE_DAYS = 366;

export const NewAbsence = requestBody(
  {
    starts_at: momentField,
    ends_at: momentField,
    /** What becomes of appointments in that time: they are in the way, stay, or are cancelled. */
    existing: z._default(z.enum(["refuse", "keep", "cancel"]), "refuse"),
  },
  ["id", "doctor", "created_by", "created_at"],
  [
    bodyRule<Period>(
      ({ starts_at, ends_at }) => !(timeBetween(momentField, starts_at, ends_at) <= 0),
      "too_small",
      "Must be after starts_at",
      "ends_at",
    ),
    bodyRule<Period>(
      ({ starts_at, ends_at }) => !(timeBetween(momentField, starts_at, ends_at) > MAX_ABSENCE_DAYS * DAY_MS),
      "too_big",
      `Must be at most ${MAX_ABSENCE_DAYS} days after starts_at`,
      "ends_at",
    ),
  ],
);
