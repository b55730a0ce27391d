-- POST /api/auth/login: $1 username text, $2 network text, $3 wide_network text, $4 request_id uuid, $5 address text
WITH own_network AS (
  SELECT FROM login_attempts la
  WHERE la.username = $1::text AND la.network = $2::text AND la.logged_in_at IS NOT NULL
),
counters AS (
  SELECT * FROM (VALUES
    ('', $2::text),
    ('', $3::text),
    ($1::text, ''),
    ($1::text, $2::text)
  ) keys (username, network)
  WHERE (keys.username <> '' AND keys.network <> '') = EXISTS (SELECT FROM own_network)
    AND keys.network IS NOT NULL AND $1::text IS NOT NULL
),
counted_network AS (
  INSERT INTO login_attempts AS la (username, network, failures, failed_at, blocked_until)
  SELECT username, network, 1, now(), 'epoch'::timestamptz FROM counters
  WHERE username = '' AND network = $2::text
  ON CONFLICT (username, network) DO UPDATE SET (failures, failed_at, blocked_until, refused, refused_before) = (
    SELECT CASE WHEN is_blocked THEN la.failures ELSE least(n, free + 10) END,
      CASE WHEN is_blocked THEN la.failed_at ELSE now() END,
      CASE WHEN is_blocked THEN la.blocked_until WHEN n < free THEN 'epoch'::timestamptz
        ELSE clock_timestamp() + make_interval(secs => least(2 ^ least(n - free, 10), longest)) END,
      CASE WHEN is_blocked THEN la.refused + 1 ELSE 0 END,
      CASE WHEN is_blocked THEN 0 ELSE la.refused END
    FROM (
      SELECT *, la.blocked_until > clock_timestamp() AS is_blocked,
        greatest(la.failures - greatest(floor(extract(epoch FROM now() - la.failed_at) / 3600 * forgiven)::int, 0),
          0) + 1 AS n
      FROM (
        SELECT 100 AS free, 60 AS longest, 60 AS forgiven WHERE la.username = '' AND la.network NOT LIKE '%/48'
        UNION ALL SELECT 1000 AS free, 60 AS longest, 600 AS forgiven WHERE la.username = '' AND la.network LIKE '%/48'
        UNION ALL SELECT 5 AS free, 900 AS longest, 1 AS forgiven WHERE la.network = ''
        UNION ALL SELECT 70 AS free, 900 AS longest, 1 AS forgiven WHERE la.username <> '' AND la.network <> ''
      ) limits
    ) counted
  )
  RETURNING failures, refused, refused_before
),
counted_wide_network AS (
  INSERT INTO login_attempts AS la (username, network, failures, failed_at, blocked_until)
  SELECT username, network, 1, now(), 'epoch'::timestamptz FROM counters
  WHERE username = '' AND network = $3::text AND EXISTS (SELECT FROM counted_network WHERE refused = 0)
  ON CONFLICT (username, network) DO UPDATE SET (failures, failed_at, blocked_until, refused, refused_before) = (
    SELECT CASE WHEN is_blocked THEN la.failures ELSE least(n, free + 10) END,
      CASE WHEN is_blocked THEN la.failed_at ELSE now() END,
      CASE WHEN is_blocked THEN la.blocked_until WHEN n < free THEN 'epoch'::timestamptz
        ELSE clock_timestamp() + make_interval(secs => least(2 ^ least(n - free, 10), longest)) END,
      CASE WHEN is_blocked THEN la.refused + 1 ELSE 0 END,
      CASE WHEN is_blocked THEN 0 ELSE la.refused END
    FROM (
      SELECT *, la.blocked_until > clock_timestamp() AS is_blocked,
        greatest(la.failures - greatest(floor(extract(epoch FROM now() - la.failed_at) / 3600 * forgiven)::int, 0),
          0) + 1 AS n
      FROM (
        SELECT 100 AS free, 60 AS longest, 60 AS forgiven WHERE la.username = '' AND la.network NOT LIKE '%/48'
        UNION ALL SELECT 1000 AS free, 60 AS longest, 600 AS forgiven WHERE la.username = '' AND la.network LIKE '%/48'
        UNION ALL SELECT 5 AS free, 900 AS longest, 1 AS forgiven WHERE la.network = ''
        UNION ALL SELECT 70 AS free, 900 AS longest, 1 AS forgiven WHERE la.username <> '' AND la.network <> ''
      ) limits
    ) counted
  )
  RETURNING failures, refused, refused_before
),
counted_account AS (
  INSERT INTO login_attempts AS la (username, network, failures, failed_at, blocked_until)
  SELECT username, network, 1, now(), 'epoch'::timestamptz FROM counters
  WHERE username <> '' AND (EXISTS (SELECT FROM own_network) OR EXISTS (SELECT FROM counted_network WHERE refused = 0)
    AND NOT EXISTS (SELECT FROM counted_wide_network WHERE refused > 0))
  ON CONFLICT (username, network) DO UPDATE SET (failures, failed_at, blocked_until, refused, refused_before) = (
    SELECT CASE WHEN is_blocked THEN la.failures ELSE least(n, free + 10) END,
      CASE WHEN is_blocked THEN la.failed_at ELSE now() END,
      CASE WHEN is_blocked THEN la.blocked_until WHEN n < free THEN 'epoch'::timestamptz
        ELSE clock_timestamp() + make_interval(secs => least(2 ^ least(n - free, 10), longest)) END,
      CASE WHEN is_blocked THEN la.refused + 1 ELSE 0 END,
      CASE WHEN is_blocked THEN 0 ELSE la.refused END
    FROM (
      SELECT *, la.blocked_until > clock_timestamp() AS is_blocked,
        greatest(la.failures - greatest(floor(extract(epoch FROM now() - la.failed_at) / 3600 * forgiven)::int, 0),
          0) + 1 AS n
      FROM (
        SELECT 100 AS free, 60 AS longest, 60 AS forgiven WHERE la.username = '' AND la.network NOT LIKE '%/48'
        UNION ALL SELECT 1000 AS free, 60 AS longest, 600 AS forgiven WHERE la.username = '' AND la.network LIKE '%/48'
        UNION ALL SELECT 5 AS free, 900 AS longest, 1 AS forgiven WHERE la.network = ''
        UNION ALL SELECT 70 AS free, 900 AS longest, 1 AS forgiven WHERE la.username <> '' AND la.network <> ''
      ) limits
    ) counted
  )
  RETURNING failures, refused, refused_before
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
),
account AS (
  SELECT u.id, u.password_hash, u.password_trimmed, u.password_prehashed, u.active
  FROM users u WHERE lower(u.username COLLATE "C") = $1::text
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, request_id, address, action, outcome, reason)
  SELECT u.id, u.username, u.role, $4::uuid, $5::text,
    'login',
    'refused',
    lockout.reason
  FROM lockout
    LEFT JOIN users u ON lower(u.username COLLATE "C") = $1::text
)
SELECT EXISTS (SELECT FROM own_network) AS "isOwnNetwork",
  (SELECT is_admitted FROM attempt) AS "isAdmitted",
  (SELECT coalesce(wait_seconds, 1) FROM attempt) AS "waitSeconds",
  (SELECT id FROM account) AS id, (SELECT password_hash FROM account) AS password_hash,
  (SELECT password_trimmed FROM account) AS password_trimmed,
  (SELECT password_prehashed FROM account) AS password_prehashed, (SELECT active FROM account) AS active
FROM attempt;
