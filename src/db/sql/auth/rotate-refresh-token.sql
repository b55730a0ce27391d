-- POST /api/auth/refresh: $1 spent_hash text, $2 idle_days integer, $3 next_hash text, $4 request_id uuid, $5 address text
WITH session AS (
  -- Locks the session before its token, in the order in which the cleanup job deletes both: no deadlock. The second
  -- of two refreshes waits here and then, under READ COMMITTED, sees the token as spent. Shown by
  -- test/races/unique.test.ts.
  SELECT s.id FROM sessions s WHERE s.id = (SELECT t.session_id FROM refresh_tokens t WHERE t.token_hash = $1::text)
  FOR NO KEY UPDATE
),
spent AS (
  UPDATE refresh_tokens t SET spent_at = coalesce(t.spent_at, now())
  FROM sessions s JOIN session ON session.id = s.id JOIN users u ON u.id = s.user_id
  WHERE t.token_hash = $1::text AND (t.spent_at IS NULL OR t.spent_at > now() - make_interval(secs => 30))
    AND s.id = t.session_id AND s.ended_at IS NULL AND s.expires_at > now()
    AND s.last_used_at > now() - make_interval(days => $2::int)
    AND u.active AND u.token_version = s.token_version AND u.password_version = s.password_version
  RETURNING s.user_id, s.id AS session_id, s.token_version, u.must_change_password,
    u.role = 'auditor' AS is_auditor
),
used_session AS (UPDATE sessions s SET last_used_at = now() WHERE s.id = (SELECT session_id FROM spent)),
new_token AS (
  INSERT INTO refresh_tokens (token_hash, session_id) SELECT $3::text, session_id FROM spent
),
ended_session AS (
  UPDATE sessions s SET ended_at = now()
  WHERE s.ended_at IS NULL AND s.id = (
    SELECT t.session_id FROM refresh_tokens t
    WHERE t.token_hash = $1::text AND NOT t.spent_at > now() - make_interval(secs => 30)
  )
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome)
  SELECT u.id, u.username, u.role, s.id, $4::uuid, $5::text,
    'refresh',
    'refused'
  FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id JOIN users u ON u.id = s.user_id
  WHERE t.token_hash = $1::text AND NOT EXISTS (SELECT FROM spent)
)
SELECT user_id, session_id, token_version, must_change_password, is_auditor FROM spent;
