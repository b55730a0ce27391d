-- POST /api/auth/password: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 password_hash text, $5 new_hash text, $6 days integer, $7 user_agent text, $8 address text, $9 token_hash text, $10 network text, $11 wide_network text, $12 isOwnNetwork boolean, $13 request_id uuid
WITH token_account AS (
  SELECT u.id, u.username, u.role, u.doctor_id,
    u.active AND u.token_version = $1::int AND EXISTS (
      SELECT FROM sessions s
      WHERE s.id = $2::uuid AND s.user_id = u.id
        AND s.password_version = u.password_version AND s.ended_at IS NULL AND s.expires_at > now()
    ) AS is_accepted,
    u.probing_until > now() AS is_probing
  FROM users u WHERE u.id = $3::int
),
caller AS (
  SELECT id, username, role, doctor_id FROM token_account
  WHERE is_accepted AND CASE WHEN is_probing THEN refuse_probing() ELSE true END
),
locked_account AS (SELECT u.id FROM users u WHERE u.id = (SELECT id FROM caller) FOR NO KEY UPDATE),
sessions_lock AS (
  -- The lock of the trigger sessions_bounded. A login takes it before it deletes old sessions; to take it after this
  -- statement has locked them would be a deadlock. Shown by test/races/password-changes.test.ts.
  SELECT pg_advisory_xact_lock(7205883, id) FROM locked_account
),
caller_recheck AS (
  SELECT FROM (SELECT count(*) FROM sessions_lock HAVING count(*) > 0) locked, users u, sessions s
  WHERE u.id = (SELECT id FROM caller) AND u.active AND u.token_version = $1::int
    AND s.id = $2::uuid AND s.user_id = u.id
    AND s.password_version = u.password_version AND s.ended_at IS NULL AND s.expires_at > now()
  FOR SHARE OF u, s
),
correct_password AS (SELECT FROM users u WHERE u.id = (SELECT id FROM caller) AND u.password_hash = $4::text),
changed AS (
  UPDATE users u SET password_hash = $5::text, password_version = u.password_version + 1, password_trimmed = false,
    password_prehashed = true, must_change_password = false, updated_at = now()
  WHERE u.id = (SELECT id FROM caller) AND u.password_hash = $4::text AND $5::text IS NOT NULL AND EXISTS (SELECT FROM caller_recheck)
  RETURNING u.id, u.token_version, u.password_version
),
ended_sessions AS (
  UPDATE sessions s SET ended_at = now()
  WHERE s.user_id = (SELECT id FROM caller) AND s.ended_at IS NULL AND EXISTS (SELECT FROM changed)
),
new_session AS (
  INSERT INTO sessions (
    user_id, token_version, password_version, expires_at, user_agent, last_address, last_user_agent)
  SELECT id, token_version, password_version, now() + make_interval(days => $6::int), $7::text,
    nullif($8::text, ''), $7::text
  FROM changed
  RETURNING user_id, id AS session_id, token_version
),
new_token AS (
  INSERT INTO refresh_tokens (token_hash, session_id) SELECT $9::text, session_id FROM new_session
),
counters AS (
  SELECT * FROM (VALUES
    ('', $10::text),
    ('', $11::text),
    ((SELECT lower(username COLLATE "C") FROM caller), ''),
    ((SELECT lower(username COLLATE "C") FROM caller), $10::text)
  ) keys (username, network)
  WHERE (keys.username <> '' AND keys.network <> '') = $12::boolean
    AND keys.network IS NOT NULL AND (SELECT lower(username COLLATE "C") FROM caller) IS NOT NULL
),
locked_counters AS (
  SELECT l.username, l.network FROM counters k, LATERAL (
    SELECT a.username, a.network FROM login_attempts a WHERE (a.username, a.network) = (k.username, k.network)
    FOR UPDATE
  ) l
  WHERE EXISTS (SELECT FROM correct_password)
),
decremented_counters AS (
  UPDATE login_attempts a SET failures = greatest(a.failures - 1, 0), blocked_until = 'epoch'::timestamptz,
    logged_in_at = CASE WHEN a.username <> '' AND a.network <> '' THEN now() END
  FROM locked_counters l WHERE (a.username, a.network) = (l.username, l.network)
),
remembered_network AS (
  INSERT INTO login_attempts (username, network, failures, failed_at, blocked_until, logged_in_at)
  SELECT (SELECT lower(username COLLATE "C") FROM caller), $10::text, 0, now(), 'epoch'::timestamptz, now()
  WHERE EXISTS (SELECT FROM correct_password) AND NOT $12::boolean
  ON CONFLICT (username, network) DO UPDATE SET logged_in_at = now()
),
removed_networks AS (
  DELETE FROM login_attempts a
  WHERE a.username = (SELECT lower(username COLLATE "C") FROM caller) AND EXISTS (SELECT FROM correct_password) AND NOT $12::boolean AND a.network IN (
    SELECT own.network FROM login_attempts own WHERE own.username = (SELECT lower(username COLLATE "C") FROM caller) AND own.logged_in_at IS NOT NULL
    ORDER BY own.logged_in_at DESC OFFSET 3
  )
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome)
  SELECT id, username, role, $2::uuid, $13::uuid, $8::text,
    'change_password',
    CASE WHEN NOT is_accepted THEN 'refused'
      WHEN EXISTS (SELECT FROM changed) THEN 'done'
      ELSE 'refused' END
  FROM token_account
)
SELECT (SELECT session_id FROM new_session) AS session_id
FROM caller WHERE NOT (EXISTS (SELECT FROM locked_account) AND NOT EXISTS (SELECT FROM caller_recheck));
