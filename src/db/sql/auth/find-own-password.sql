-- POST /api/auth/password: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 network text, $7 wide_network text, $8 request_id uuid, $9 address text
WITH token_account AS (
  SELECT u.id, u.username, u.role, u.doctor_id, $1::int AS clinic_id, ms.role AS clinic_role,
    coalesce((now() AT TIME ZONE nullif(ms.time_zone, ''))::date, $2::date) AS today,
    CASE WHEN NOT (u.active AND u.token_version = $3::int) OR s.id IS NULL
      THEN 'token_revoked'
      WHEN s.clinic_id <> $1::int THEN 'clinic_changed'
      WHEN ms.ended_at IS NOT NULL THEN 'membership_ended'
      WHEN ms.clinic_active IS NOT TRUE THEN 'token_revoked' END AS refusal,
    u.probing_until > now() AS is_probing
  FROM users u
    LEFT JOIN sessions s ON s.id = $4::uuid AND s.user_id = u.id AND s.password_version = u.password_version
    AND s.ended_at IS NULL AND s.expires_at > now()
    LEFT JOIN memberships ms ON ms.clinic_id = $1::int AND ms.account_id = u.id
  WHERE u.id = $5::int
),
caller AS (
  SELECT id, username, role, doctor_id, clinic_id, clinic_role, today FROM token_account
  WHERE refusal IS NULL AND CASE WHEN is_probing THEN refuse_probing() ELSE true END
),
own_network AS (
  SELECT FROM login_attempts la
  WHERE la.username = (SELECT lower(username COLLATE "C") FROM caller) AND la.network = $6::text
    AND la.logged_in_at IS NOT NULL
),
counters AS (
  SELECT * FROM (VALUES
    ('', $6::text),
    ('', $7::text),
    ((SELECT lower(username COLLATE "C") FROM caller), ''),
    ((SELECT lower(username COLLATE "C") FROM caller), $6::text)
  ) keys (username, network)
  WHERE (keys.username <> '' AND keys.network <> '') = EXISTS (SELECT FROM own_network)
    AND keys.network IS NOT NULL AND (SELECT lower(username COLLATE "C") FROM caller) IS NOT NULL
),
counted_network AS (
  INSERT INTO login_attempts AS la (username, network, failures, failed_at, blocked_until)
  SELECT username, network, 1, now(), 'epoch'::timestamptz FROM counters
  WHERE username = '' AND network = $6::text
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
  WHERE username = '' AND network = $7::text AND EXISTS (SELECT FROM counted_network WHERE refused = 0)
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
  SELECT u.password_hash, u.password_trimmed, u.password_prehashed, u.username, u.email,
    (u.must_change_password AND u.password_expires_at <= now()) IS TRUE AS is_expired
  FROM users u WHERE u.id = (SELECT id FROM caller)
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    reason)
  SELECT id, username, role, $4::uuid, clinic_id, $8::uuid, $9::text,
    'change_password',
    'refused',
    reason
  FROM token_account LEFT JOIN lockout ON refusal IS NULL
  WHERE refusal IS NOT NULL OR reason IS NOT NULL
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal,
  EXISTS (SELECT FROM own_network) AS "isOwnNetwork",
  (SELECT is_admitted FROM attempt) AS "isAdmitted",
  (SELECT coalesce(wait_seconds, 1) FROM attempt) AS "waitSeconds",
  (SELECT password_hash FROM account) AS password_hash, (SELECT password_trimmed FROM account) AS password_trimmed,
  (SELECT password_prehashed FROM account) AS password_prehashed,
  (SELECT is_expired FROM account) AS "isExpired",
  (SELECT username FROM account) AS username, (SELECT email FROM account) AS email
FROM token_account;
