import { type SQL, sql } from "drizzle-orm";
import { param } from "../db/statement.ts";

// An attempt is counted before the password is compared, and uncounted when it was right. So of many concurrent
// guesses only the admitted ones are compared. An attempt from a network that the account has logged in from before is
// counted for that account and network. All others are counted for the account, for the network, and for the /48 that an
// IPv6 network is in: somebody may have all of its 65,536 networks. So a stranger cannot lock an account out of its own
// networks, and guests of a network cannot lock out those who have logged in there.

const network = sql`${param("network")}::text`;
/** NULL for IPv4. */
const wideNetwork = sql`${param("wide_network")}::text`;

/**
 * `blocked_until` of a counter that does not block. Concurrent requests wait for its row lock and then compare with
 * the clock.
 */
const notBlocked = sql`'epoch'::timestamptz`;

/** How many of its own networks an account keeps. Each allows guesses of its own. */
const MAX_OWN_NETWORKS = 4;

/**
 * The limits of a counter `a`. `free`: how many attempts are admitted before the first block. The failure with this
 * number blocks for 1 s, each later one for 2 s, 4 s … up to `longest` seconds. `forgiven`: how many failures are
 * subtracted for each hour without an attempt. So an account's password can be guessed at most 110 times a day from all
 * other networks together, and 175 times from each of its 4 own networks, where many people may log in at once: 810 in
 * all, fewer than the 1,000 that SECURITY.md promises. The counter of a network (`username = ''`) may be that of a
 * whole hospital. That of a /48 may be that of 256 customers of a provider, and admits ten times as much: an attempt that
 * its network refuses is not counted for it, so that one network cannot block it.
 */
const limits = sql`SELECT 100 AS free, 60 AS longest, 60 AS forgiven WHERE la.username = '' AND la.network NOT LIKE '%/48'
          UNION ALL SELECT 1000 AS free, 60 AS longest, 600 AS forgiven WHERE la.username = '' AND la.network LIKE '%/48'
          UNION ALL SELECT 5 AS free, 900 AS longest, 1 AS forgiven WHERE la.network = ''
          UNION ALL SELECT 70 AS free, 900 AS longest, 1 AS forgiven WHERE la.username <> '' AND la.network <> ''`;

/**
 * The step `counters`: the keys of the counters of an attempt for `username` (NULL for none): of its own network when
 * `isOwnNetwork`, else of network, its /48 and account.
 */
const counterKeysStep = (username: SQL, isOwnNetwork: SQL): SQL => sql`counters AS (
    SELECT * FROM (VALUES
      ('', ${network}),
      ('', ${wideNetwork}),
      (${username}, ''),
      (${username}, ${network})
    ) keys (username, network)
    WHERE (keys.username <> '' AND keys.network <> '') = ${isOwnNetwork}
      AND keys.network IS NOT NULL AND ${username} IS NOT NULL
  )`;

/**
 * Increments the `counters` for which `condition` is true; one that blocks counts the attempt as refused instead. Under
 * READ COMMITTED the upsert waits for the counter's row and reads its newest version, so that concurrent guesses are
 * counted one after another. Shown by test/auth/login-attempts.test.ts.
 */
const incrementCounters = (condition: SQL): SQL => sql`
    INSERT INTO login_attempts AS la (username, network, failures, failed_at, blocked_until)
    SELECT username, network, 1, now(), ${notBlocked} FROM counters
    WHERE ${condition}
    ON CONFLICT (username, network) DO UPDATE SET (failures, failed_at, blocked_until, refused, refused_before) = (
      SELECT CASE WHEN is_blocked THEN la.failures ELSE least(n, free + 10) END,
        CASE WHEN is_blocked THEN la.failed_at ELSE now() END,
        CASE WHEN is_blocked THEN la.blocked_until WHEN n < free THEN ${notBlocked}
          ELSE clock_timestamp() + make_interval(secs => least(2 ^ least(n - free, 10), longest)) END,
        CASE WHEN is_blocked THEN la.refused + 1 ELSE 0 END,
        CASE WHEN is_blocked THEN 0 ELSE la.refused END
      FROM (
        SELECT *, la.blocked_until > clock_timestamp() AS is_blocked,
          greatest(la.failures - greatest(floor(extract(epoch FROM now() - la.failed_at) / 3600 * forgiven)::int, 0), 0) + 1 AS n
        FROM (
          ${limits}
        ) limits
      ) counted
    )
    RETURNING failures, refused, refused_before`;

/**
 * The steps that count an attempt: first for the network, then for its /48, and for the account, each unless one before
 * it is blocked. Always in this order, so that two requests cannot deadlock. The step `attempt` says whether the
 * attempt `is_admitted`, and if not after how many seconds the next one can be (`wait_seconds`). The step `lockout` has
 * the `reason` of the event for the first attempt that a lockout refuses, and then for the first one after it, with
 * their number: a flood of attempts must not fill the audit log.
 *
 * @param username the account's username in lower case; NULL counts nothing.
 */
export const countAttemptSteps = (username: SQL): SQL => sql`own_network AS (
    SELECT FROM login_attempts la
    WHERE la.username = ${username} AND la.network = ${network} AND la.logged_in_at IS NOT NULL
  ),
  ${counterKeysStep(username, sql`EXISTS (SELECT FROM own_network)`)},
  counted_network AS (${incrementCounters(sql`username = '' AND network = ${network}`)}
  ),
  counted_wide_network AS (${incrementCounters(
    sql`username = '' AND network = ${wideNetwork} AND EXISTS (SELECT FROM counted_network WHERE refused = 0)`,
  )}
  ),
  counted_account AS (${incrementCounters(
    sql`username <> '' AND (EXISTS (SELECT FROM own_network) OR EXISTS (SELECT FROM counted_network WHERE refused = 0)
      AND NOT EXISTS (SELECT FROM counted_wide_network WHERE refused > 0))`,
  )}
  ),
  attempt AS (
    SELECT EXISTS (SELECT FROM counted_account WHERE refused = 0) OR NOT EXISTS (SELECT FROM counters) AS is_admitted, (
      SELECT greatest(ceil(extract(epoch FROM max(la.blocked_until) - clock_timestamp())), 1)::int
      FROM login_attempts la WHERE (la.username, la.network) IN (SELECT username, network FROM counters)
    ) AS wait_seconds
  ),
  lockout AS (
    SELECT CASE refused WHEN 1 THEN 'too many attempts: ' || failures || ' failures'
      ELSE 'attempts refused during the last lockout: ' || refused_before END AS reason
    FROM (
      SELECT * FROM counted_network UNION ALL SELECT * FROM counted_wide_network UNION ALL SELECT * FROM counted_account
    ) counted
    WHERE refused = 1 OR (refused = 0 AND refused_before > 1)
  )`;

/**
 * The result of `countAttemptSteps`. `isOwnNetwork` is passed to `uncountAttemptSteps`, which have to find the same
 * counters.
 */
export type LoginAttempt = { isAdmitted: boolean; waitSeconds: number; isOwnNetwork: boolean };

/** The columns of `LoginAttempt`. */
export const loginAttemptColumns = sql`EXISTS (SELECT FROM own_network) AS "isOwnNetwork",
  (SELECT is_admitted FROM attempt) AS "isAdmitted",
  (SELECT coalesce(wait_seconds, 1) FROM attempt) AS "waitSeconds"`;

const isOwnNetwork = sql`${param("isOwnNetwork")}::boolean`;

/**
 * The steps that uncount an attempt, and remember its network as the account's own. They lock the counters in the order
 * in which attempts are counted. Each is looked up by its key: with ORDER BY, PostgreSQL reads the whole table by its
 * index. Shown by test/db/plans.test.ts.
 *
 * @param username as for `countAttemptSteps`.
 * @param successStep has a row when the password was right; otherwise the steps do nothing.
 */
export function uncountAttemptSteps(username: SQL, successStep: string): SQL {
  const isSuccess = sql`EXISTS (SELECT FROM ${sql.raw(successStep)})`;
  return sql`${counterKeysStep(username, isOwnNetwork)},
  locked_counters AS (
    SELECT l.username, l.network FROM counters k, LATERAL (
      SELECT la.username, la.network FROM login_attempts la WHERE (la.username, la.network) = (k.username, k.network)
      FOR UPDATE
    ) l
    WHERE ${isSuccess}
  ),
  decremented_counters AS (
    UPDATE login_attempts la SET failures = greatest(la.failures - 1, 0), blocked_until = ${notBlocked},
      logged_in_at = CASE WHEN la.username <> '' AND la.network <> '' THEN now() END
    FROM locked_counters l WHERE (la.username, la.network) = (l.username, l.network)
  ),
  remembered_network AS (
    INSERT INTO login_attempts (username, network, failures, failed_at, blocked_until, logged_in_at)
    SELECT ${username}, ${network}, 0, now(), ${notBlocked}, now()
    WHERE ${isSuccess} AND NOT ${isOwnNetwork}
    ON CONFLICT (username, network) DO UPDATE SET logged_in_at = now()
  ),
  removed_networks AS (
    DELETE FROM login_attempts la
    WHERE la.username = ${username} AND ${isSuccess} AND NOT ${isOwnNetwork} AND la.network IN (
      SELECT own.network FROM login_attempts own WHERE own.username = ${username} AND own.logged_in_at IS NOT NULL
      ORDER BY own.logged_in_at DESC OFFSET ${sql.raw(String(MAX_OWN_NETWORKS - 1))}
    )
  )`;
}
