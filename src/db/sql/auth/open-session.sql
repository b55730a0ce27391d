-- POST /api/auth/login: $1 id integer, $2 password_hash text, $3 new_hash text, $4 days integer, $5 user_agent text, $6 address text, $7 token_hash text, $8 network text, $9 wide_network text, $10 username text, $11 isOwnNetwork boolean, $12 request_id uuid
WITH account AS (
  SELECT u.id, u.token_version, u.password_version, u.must_change_password, u.role = 'auditor' AS is_auditor
  FROM users u
  WHERE u.id = $1::int AND u.active AND u.password_hash = $2::text
    AND NOT (u.must_change_password AND u.password_expires_at <= now()) IS TRUE
),
rehashed AS (
  UPDATE users u SET password_hash = $3::text, password_prehashed = true
  WHERE u.id = (SELECT id FROM account) AND u.password_hash = $2::text AND $3::text IS NOT NULL
),
new_session AS (
  INSERT INTO sessions (
    user_id, token_version, password_version, expires_at, user_agent, last_address, last_user_agent)
  SELECT id, token_version, password_version, now() + make_interval(days => $4::int), $5::text,
    nullif($6::text, ''), $5::text
  FROM account
  RETURNING user_id, id AS session_id, token_version
),
new_token AS (
  INSERT INTO refresh_tokens (token_hash, session_id) SELECT $7::text, session_id FROM new_session
),
counters AS (
  SELECT * FROM (VALUES
    ('', $8::text),
    ('', $9::text),
    ($10::text, ''),
    ($10::text, $8::text)
  ) keys (username, network)
  WHERE (keys.username <> '' AND keys.network <> '') = $11::boolean
    AND keys.network IS NOT NULL AND $10::text IS NOT NULL
),
locked_counters AS (
  SELECT l.username, l.network FROM counters k, LATERAL (
    SELECT a.username, a.network FROM login_attempts a WHERE (a.username, a.network) = (k.username, k.network)
    FOR UPDATE
  ) l
  WHERE EXISTS (SELECT FROM new_session)
),
decremented_counters AS (
  UPDATE login_attempts a SET failures = greatest(a.failures - 1, 0), blocked_until = 'epoch'::timestamptz,
    logged_in_at = CASE WHEN a.username <> '' AND a.network <> '' THEN now() END
  FROM locked_counters l WHERE (a.username, a.network) = (l.username, l.network)
),
remembered_network AS (
  INSERT INTO login_attempts (username, network, failures, failed_at, blocked_until, logged_in_at)
  SELECT $10::text, $8::text, 0, now(), 'epoch'::timestamptz, now()
  WHERE EXISTS (SELECT FROM new_session) AND NOT $11::boolean
  ON CONFLICT (username, network) DO UPDATE SET logged_in_at = now()
),
removed_networks AS (
  DELETE FROM login_attempts a
  WHERE a.username = $10::text AND EXISTS (SELECT FROM new_session) AND NOT $11::boolean AND a.network IN (
    SELECT own.network FROM login_attempts own WHERE own.username = $10::text AND own.logged_in_at IS NOT NULL
    ORDER BY own.logged_in_at DESC OFFSET 3
  )
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, reason)
  SELECT u.id, u.username, u.role, (SELECT session_id FROM new_session), $12::uuid, $6::text,
    'login',
    CASE WHEN EXISTS (SELECT FROM new_session) THEN 'done'
      ELSE 'refused' END,
    CASE WHEN u.password_hash = $2::text
    AND (u.must_change_password AND u.password_expires_at <= now()) IS TRUE THEN 'password expired' END
  FROM (SELECT) attempt LEFT JOIN users u ON u.id = $1::int
)
SELECT new_session.user_id, new_session.session_id, new_session.token_version, account.must_change_password,
  account.is_auditor
FROM new_session, account;
