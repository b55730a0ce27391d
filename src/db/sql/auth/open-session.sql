-- POST /api/auth/login: $1 clinic integer, $2 id integer, $3 password_hash text, $4 new_hash text, $5 days integer, $6 user_agent text, $7 address text, $8 token_hash text, $9 network text, $10 wide_network text, $11 username text, $12 isOwnNetwork boolean, $13 request_id uuid
WITH account AS (
  SELECT u.id, u.token_version, u.password_version, u.must_change_password, u.role = 'auditor' AS is_auditor, (
    SELECT ms.clinic_id FROM memberships ms
    WHERE ms.account_id = u.id AND ms.ended_at IS NULL AND ms.clinic_active AND NOT ms.is_interim
      AND ($1::int IS NULL OR ms.clinic_id = $1::int)
    ORDER BY ms.last_used_at DESC NULLS LAST, ms.clinic_id = u.id DESC LIMIT 1
  ) AS clinic_id
  FROM users u
  WHERE u.id = $2::int AND u.active AND u.password_hash = $3::text
    AND NOT (u.must_change_password AND u.password_expires_at <= now()) IS TRUE
),
rehashed AS (
  UPDATE users u SET password_hash = $4::text, password_prehashed = true
  WHERE u.id = (SELECT id FROM account) AND u.password_hash = $3::text AND $4::text IS NOT NULL
),
new_session AS (
  INSERT INTO sessions (
    user_id, clinic_id, token_version, password_version, expires_at, user_agent, last_address, last_user_agent)
  SELECT id, clinic_id, token_version, password_version, now() + make_interval(days => $5::int), $6::text,
    nullif($7::text, ''), $6::text
  FROM account WHERE clinic_id IS NOT NULL
  RETURNING user_id, id AS session_id, clinic_id, token_version
),
new_token AS (
  INSERT INTO refresh_tokens (token_hash, session_id) SELECT $8::text, session_id FROM new_session
),
used_membership AS (
  UPDATE memberships ms SET last_used_at = now() FROM new_session
  WHERE ms.clinic_id = new_session.clinic_id AND ms.account_id = new_session.user_id AND $1::int IS NOT NULL
),
counters AS (
  SELECT * FROM (VALUES
    ('', $9::text),
    ('', $10::text),
    ($11::text, ''),
    ($11::text, $9::text)
  ) keys (username, network)
  WHERE (keys.username <> '' AND keys.network <> '') = $12::boolean
    AND keys.network IS NOT NULL AND $11::text IS NOT NULL
),
locked_counters AS (
  SELECT l.username, l.network FROM counters k, LATERAL (
    SELECT la.username, la.network FROM login_attempts la WHERE (la.username, la.network) = (k.username, k.network)
    FOR UPDATE
  ) l
  WHERE EXISTS (SELECT FROM account)
),
decremented_counters AS (
  UPDATE login_attempts la SET failures = greatest(la.failures - 1, 0), blocked_until = 'epoch'::timestamptz,
    logged_in_at = CASE WHEN la.username <> '' AND la.network <> '' THEN now() END
  FROM locked_counters l WHERE (la.username, la.network) = (l.username, l.network)
),
remembered_network AS (
  INSERT INTO login_attempts (username, network, failures, failed_at, blocked_until, logged_in_at)
  SELECT $11::text, $9::text, 0, now(), 'epoch'::timestamptz, now()
  WHERE EXISTS (SELECT FROM account) AND NOT $12::boolean
  ON CONFLICT (username, network) DO UPDATE SET logged_in_at = now()
),
removed_networks AS (
  DELETE FROM login_attempts la
  WHERE la.username = $11::text AND EXISTS (SELECT FROM account) AND NOT $12::boolean AND la.network IN (
    SELECT own.network FROM login_attempts own WHERE own.username = $11::text AND own.logged_in_at IS NOT NULL
    ORDER BY own.logged_in_at DESC OFFSET 3
  )
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    reason)
  SELECT u.id, u.username, u.role, (SELECT session_id FROM new_session), (SELECT clinic_id FROM new_session), $13::uuid,
    $7::text,
    'login',
    CASE WHEN EXISTS (SELECT FROM new_session) THEN 'done'
      ELSE 'refused' END,
    CASE WHEN u.password_hash = $3::text
    AND (u.must_change_password AND u.password_expires_at <= now()) IS TRUE THEN 'password expired' END
  FROM (SELECT) attempt LEFT JOIN users u ON u.id = $2::int
)
SELECT account.id AS user_id, new_session.session_id, new_session.clinic_id, account.token_version,
  account.must_change_password,
  account.is_auditor
FROM account LEFT JOIN new_session ON true;
