import { type Config, memoizePerConfig } from "../config.ts";

// Swedish writes a date as ISO 8601 does: 2026-11-27.
const dateFormat = memoizePerConfig(
  ({ TIME_ZONE }) => new Intl.DateTimeFormat("sv-SE", { timeZone: TIME_ZONE }),
);

/** The date in the time zone of the API, by the Worker's clock: `2026-11-27`. */
export const today = (config: Config): string => dateFormat(config).format(Date.now());
