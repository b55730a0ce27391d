import { type SQL, sql } from "drizzle-orm";
import { exists, param } from "../db/query/steps/statement.ts";
import { login_attempts } from "../db/schema.ts";

// An attempt is counted before the password is compared, and uncounted when it was right. So of many concurrent
// guesses only the admitted ones are compared. An attempt from a network that the account has logged in from before is
// counted for that account and network. All others are counted for the account, and for the network. So a stranger
// cannot lock an account out of its own networks, and guests of a network cannot lock out those who have logged in
// there.

const network = sql`${param("network")}::text`;

/**
 * `blocked_until` of a counter that does not block. Concurrent requests wait for its row lock and then compare with
 * the clock.
 */
const NOT_BLOCKED = sql`'epoch'::timestamptz`;

/** How many of its own networks an account keeps. Each allows guesses of its own. */
const MAX_OWN_NETWORKS = 4;

/**
 * `free`: how many attempts are admitted before the first block. The failure with this number blocks for 1 s, each
 * later one for 2 s, 4 s … up to `longest` seconds. `forgiven`: how many failures are subtracted for each hour without
 * an attempt. So an account's password can be guessed at most 110 times a day from all other networks together, and
 * 175 times from each of its 4 own networks, where many people may log in at once: 810 in all, fewer than the 1,000
 * that SECURITY.md promises.
 */
const otherNetworksLimits = sql`5 AS free, 900 AS longest, 1 AS forgiven`;
const ownNetworkLimits = sql`70 AS free, 900 AS longest, 1 AS forgiven`;
/** A network may be a whole hospital's. */
const networkLimits = sql`100 AS free, 60 AS longest, 60 AS forgiven`;

/** The limits of a counter. `counter` is the alias of its row. */
const limitsOf = (counter: SQL): SQL => sql`
  SELECT ${networkLimits} WHERE ${counter}.username = '' UNION ALL SELECT ${otherNetworksLimits} WHERE ${counter}.network = ''
  UNION ALL SELECT ${ownNetworkLimits} WHERE ${counter}.username <> '' AND ${counter}.network <> ''`;

/**
 * The counters of an attempt for `username` (NULL for none): of its own network when `isOwnNetwork`, else of network
 * and account.
 */
const counterKeys = (username: SQL, isOwnNetwork: SQL): SQL => sql`
  SELECT * FROM (VALUES ('', ${network}), (${username}, ''), (${username}, ${network})) keys (username, network)
  WHERE (keys.username <> '' AND keys.network <> '') = ${isOwnNetwork} AND ${username} IS NOT NULL`;

/**
 * Increments the counters for which `condition` is true, unless they block. Under READ COMMITTED the upsert waits for
 * the counter's row and reads its newest version, so that concurrent guesses are counted one after another. Shown by
 * test/auth/login-attempts.test.ts.
 */
const incrementCounters = (condition: SQL): SQL => sql`
  INSERT INTO ${login_attempts} AS a (username, network, failures, failed_at, blocked_until)
  SELECT username, network, 1, now(), ${NOT_BLOCKED} FROM counters WHERE ${condition}
  ON CONFLICT (username, network) DO UPDATE SET failed_at = now(), (failures, blocked_until) = (
    SELECT least(n, free + 10), CASE WHEN n < free THEN ${NOT_BLOCKED}
      ELSE clock_timestamp() + make_interval(secs => least(2 ^ least(n - free, 10), longest)) END
    FROM (
      SELECT *, greatest(a.failures - greatest(floor(extract(epoch FROM now() - a.failed_at) / 3600 * forgiven)::int, 0), 0) + 1 AS n
      FROM (${limitsOf(sql`a`)}) limits) counted)
  WHERE a.blocked_until <= clock_timestamp()
  RETURNING 1`;

/**
 * The steps that count an attempt: first for the network, and for the account unless the network is blocked. Always
 * in this order, so that two requests cannot deadlock. The step `attempt` says whether the attempt `is_admitted`,
 * and if not after how many seconds the next one can be (`wait_seconds`).
 */
export const countAttempt = (username: SQL): Record<string, SQL> => ({
  own_network: sql`
    SELECT FROM ${login_attempts}
    WHERE username = ${username} AND network = ${network} AND logged_in_at IS NOT NULL`,
  counters: counterKeys(username, exists("own_network")),
  counted_network: incrementCounters(sql`username = ''`),
  counted_account: incrementCounters(
    sql`username <> '' AND (${exists("own_network")} OR ${exists("counted_network")})`,
  ),
  attempt: sql`
    SELECT ${exists("counted_account")} OR NOT ${exists("counters")} AS is_admitted, (
      SELECT greatest(ceil(extract(epoch FROM max(blocked_until) - clock_timestamp())), 1)::int
      FROM ${login_attempts} a WHERE (a.username, a.network) IN (SELECT username, network FROM counters)) AS wait_seconds`,
});

/**
 * The result of `countAttempt`. `isOwnNetwork` is passed to `uncountAttempt`, which has to find the same counters.
 */
export type LoginAttempt = { isAdmitted: boolean; waitSeconds: number; isOwnNetwork: boolean };
export const loginAttemptColumns = {
  isOwnNetwork: exists("own_network"),
  isAdmitted: sql<boolean>`(SELECT is_admitted FROM attempt)`,
  waitSeconds: sql<number>`(SELECT coalesce(wait_seconds, 1) FROM attempt)`,
};

const isOwnNetwork = sql`${param("isOwnNetwork")}::boolean`;

/**
 * The steps that uncount an attempt, and remember its network as the account's own.
 *
 * @param successStep has a row when the password was right; otherwise the steps do nothing.
 */
export const uncountAttempt = (username: SQL, successStep: string): Record<string, SQL> => ({
  counters: counterKeys(username, isOwnNetwork),
  locked_counters: sql`
    SELECT a.username, a.network FROM ${login_attempts} a
    WHERE (a.username, a.network) IN (SELECT username, network FROM counters) AND ${exists(successStep)}
    ORDER BY a.username, a.network FOR UPDATE`,
  decremented_counters: sql`
    UPDATE ${login_attempts} a SET failures = greatest(failures - 1, 0), blocked_until = ${NOT_BLOCKED},
      logged_in_at = CASE WHEN a.username <> '' AND a.network <> '' THEN now() END
    FROM locked_counters l WHERE (a.username, a.network) = (l.username, l.network)`,
  remembered_network: sql`
    INSERT INTO ${login_attempts} (username, network, failures, failed_at, blocked_until, logged_in_at)
    SELECT ${username}, ${network}, 0, now(), ${NOT_BLOCKED}, now() WHERE ${exists(successStep)} AND NOT ${isOwnNetwork}
    ON CONFLICT (username, network) DO UPDATE SET logged_in_at = now()`,
  removed_networks: sql`
    DELETE FROM ${login_attempts} WHERE username = ${username} AND ${exists(successStep)} AND NOT ${isOwnNetwork} AND network IN (
      SELECT network FROM ${login_attempts} WHERE username = ${username} AND logged_in_at IS NOT NULL
      ORDER BY logged_in_at DESC OFFSET ${sql.raw(String(MAX_OWN_NETWORKS - 1))})`,
});
