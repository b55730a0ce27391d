import { type SQL, sql } from "drizzle-orm";
import { login_attempts } from "../db/schema.ts";
import { exists, value } from "../db/statement.ts";

// Attempts to log in are counted before the password is looked at, so that of any number at once none is looked at for nothing,
// and taken back when it was right. Whatever is tried from a network that the account has logged in from before is
// counted there, for that account; all else is counted for the account, and for the network. So a stranger
// keeps an account's own networks from nothing, and a network's guests keep those from nothing who have logged in there.

const network = sql`${value("network")}::text`;

/** Not blocked: at whatever moment, for many at once wait for each other's counters, and are asked by the clock when they have them. */
const FREE = sql`'epoch'::timestamptz`;

/** How many of an account's own networks are remembered: each has guesses of its own. */
const NETWORKS = 4;

/**
 * How many failures are free: then it takes a second, two, four …, and `longest` seconds at last; and how many are forgiven in an
 * hour. Of an account's password that is at most 110 guesses a day from all other networks together, and 175 from each of its own, where
 * many may log in at once: less than 1,000.
 */
const strangersRules = sql`5 AS free, 900 AS longest, 1 AS forgiven`;
const ownRules = sql`70 AS free, 900 AS longest, 1 AS forgiven`;
/** A network may be a whole hospital's. */
const networkRules = sql`100 AS free, 60 AS longest, 60 AS forgiven`;
/** The rules of a row of counters. */
const rulesOf = (row: SQL): SQL => sql`
  SELECT ${networkRules} WHERE ${row}.username = '' UNION ALL SELECT ${strangersRules} WHERE ${row}.network = ''
  UNION ALL SELECT ${ownRules} WHERE ${row}.username <> '' AND ${row}.network <> ''`;

/** What an attempt for `username` (null for none) is counted by, when its network is `known` as the account's or not. */
const countersOf = (username: SQL, known: SQL): SQL => sql`
  SELECT * FROM (VALUES ('', ${network}), (${username}, ''), (${username}, ${network})) all_of (username, network)
  WHERE (all_of.username <> '' AND all_of.network <> '') = ${known} AND ${username} IS NOT NULL`;

/** Counts in the counters that a condition is true of, unless they are blocked. */
const countIn = (condition: SQL): SQL => sql`
  INSERT INTO ${login_attempts} AS a (username, network, failures, failed_at, blocked_until)
  SELECT username, network, 1, now(), ${FREE} FROM counters WHERE ${condition}
  ON CONFLICT (username, network) DO UPDATE SET failed_at = now(), (failures, blocked_until) = (
    SELECT least(n, free + 10), CASE WHEN n < free THEN ${FREE}
      ELSE clock_timestamp() + make_interval(secs => least(2 ^ least(n - free, 10), longest)) END
    FROM (
      SELECT *, greatest(a.failures - greatest(floor(extract(epoch FROM now() - a.failed_at) / 3600 * forgiven)::int, 0), 0) + 1 AS n
      FROM (${rulesOf(sql`a`)}) rules) counted)
  WHERE a.blocked_until <= clock_timestamp()
  RETURNING 1`;

/**
 * Counts an attempt: for the network first, and for the account when that is not blocked. (Always in this order, so that no two requests
 * wait for each other.) The step `attempt` says whether it is `admitted`, and otherwise for how many seconds to `wait`.
 */
export const counting = (username: SQL): Record<string, SQL> => ({
  known: sql`
    SELECT FROM ${login_attempts}
    WHERE username = ${username} AND network = ${network} AND logged_in_at IS NOT NULL`,
  counters: countersOf(username, exists("known")),
  network_counted: countIn(sql`username = ''`),
  counted: countIn(sql`username <> '' AND (${exists("known")} OR ${exists("network_counted")})`),
  attempt: sql`
    SELECT ${exists("counted")} OR NOT ${exists("counters")} AS admitted, (
      SELECT greatest(ceil(extract(epoch FROM max(blocked_until) - clock_timestamp())), 1)::int
      FROM ${login_attempts} a WHERE (a.username, a.network) IN (SELECT username, network FROM counters)) AS wait`,
});

/** What the step `attempt` says; and whether the network was `known`, for `takingBack` to know what was counted. */
export type Attempt = { admitted: boolean; wait: number; known: boolean };
export const ofAttempt = {
  known: exists("known"),
  admitted: sql<boolean>`(SELECT admitted FROM attempt)`,
  wait: sql<number>`(SELECT coalesce(wait, 1) FROM attempt)`,
};

const known = sql`${value("known")}::boolean`;

/** Takes an attempt back that was right, when there is a row of the step `right`, and remembers its network as the account's. */
export const takingBack = (username: SQL, right: string): Record<string, SQL> => ({
  counters: countersOf(username, known),
  held: sql`
    SELECT a.username, a.network FROM ${login_attempts} a
    WHERE (a.username, a.network) IN (SELECT username, network FROM counters) AND ${exists(right)}
    ORDER BY a.username, a.network FOR UPDATE`,
  taken_back: sql`
    UPDATE ${login_attempts} a SET failures = greatest(failures - 1, 0), blocked_until = ${FREE},
      logged_in_at = CASE WHEN a.username <> '' AND a.network <> '' THEN now() END
    FROM held WHERE (a.username, a.network) = (held.username, held.network)`,
  remembered: sql`
    INSERT INTO ${login_attempts} (username, network, failures, failed_at, blocked_until, logged_in_at)
    SELECT ${username}, ${network}, 0, now(), ${FREE}, now() WHERE ${exists(right)} AND NOT ${known}
    ON CONFLICT (username, network) DO UPDATE SET logged_in_at = now()`,
  forgotten: sql`
    DELETE FROM ${login_attempts} WHERE username = ${username} AND ${exists(right)} AND NOT ${known} AND network IN (
      SELECT network FROM ${login_attempts} WHERE username = ${username} AND logged_in_at IS NOT NULL
      ORDER BY logged_in_at DESC OFFSET ${sql.raw(String(NETWORKS - 1))})`,
});
