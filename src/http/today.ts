import { type Config, memoizePerConfig } from "../config.ts";

const MS_PER_MINUTE = 60_000;

/** The date of a minute. Formatting it for each request takes 4 % of the Worker's CPU for a patient. */
const lastDate = memoizePerConfig(({ TIME_ZONE }) => ({
  // Swedish writes a date as ISO 8601 does: 2026-11-27.
  format: new Intl.DateTimeFormat("sv-SE", { timeZone: TIME_ZONE }),
  minute: Number.NaN,
  date: "",
}));

/**
 * The date in the time zone of the API, by the Worker's clock: `2026-11-27`. Days begin with a minute: the offsets of time
 * zones are whole minutes.
 */
export function today(config: Config): string {
  const last = lastDate(config);
  const now = Date.now();
  const minute = Math.floor(now / MS_PER_MINUTE);
  if (minute !== last.minute) Object.assign(last, { minute, date: last.format.format(now) });
  return last.date;
}
