-- POST /api/auth/refresh: $1 spent_hash text, $2 successor_hashes text[], $3 idle_minutes integer, $4 address text, $5 user_agent text, $6 request_id uuid
WITH session AS (
  -- Locks the session before its token, in the order in which the cleanup job deletes both: no deadlock. The second
  -- of two refreshes waits here and then, under READ COMMITTED, sees the session as it is now, and the token as
  -- spent. Shown by test/races/refreshes.test.ts.
  SELECT s.* FROM sessions s WHERE s.id = (SELECT t.session_id FROM refresh_tokens t WHERE t.token_hash = $1::text)
  FOR NO KEY UPDATE
),
spent AS (
  UPDATE refresh_tokens t SET spent_at = coalesce(t.spent_at, now()),
    successor_hash = coalesce(t.successor_hash, ($2::text[])[1])
  FROM session s JOIN users u ON u.id = s.user_id
  WHERE t.token_hash = $1::text AND (t.spent_at IS NULL OR t.spent_at > now() - make_interval(secs => 30))
    AND s.id = t.session_id AND s.ended_at IS NULL AND s.expires_at > now()
    AND s.last_used_at > now() - make_interval(mins => $3::int)
    AND u.active AND u.token_version = s.token_version AND u.password_version = s.password_version
  RETURNING t.successor_hash, s.user_id, s.id AS session_id, s.token_version, u.must_change_password,
    u.role = 'auditor' AS is_auditor, CASE WHEN EXISTS (
      SELECT FROM memberships ms
      WHERE ms.clinic_id = s.clinic_id AND ms.account_id = s.user_id AND ms.ended_at IS NULL AND ms.clinic_active
    ) THEN s.clinic_id ELSE s.user_id END AS clinic_id, t.spent_at <> now()::timestamptz(3) AS was_spent
),
successor AS (
  -- The update changes nothing. It finds a successor that a concurrent refresh has inserted, unless it is spent.
  INSERT INTO refresh_tokens AS t (token_hash, session_id) SELECT successor_hash, session_id FROM spent
  ON CONFLICT (token_hash) DO UPDATE SET spent_at = NULL WHERE t.spent_at IS NULL
  RETURNING xmax = 0 AS is_new
),
exchanged AS (
  SELECT spent.*, successor.is_new FROM spent, successor WHERE successor_hash = ANY ($2::text[])
),
superseded AS (
  -- A move of the session without its refresh token has spent this one without a successor, and issued another. Two chains
  -- of tokens would hide a thief: only the one that is used first goes on.
  UPDATE refresh_tokens t SET spent_at = now() FROM exchanged
  WHERE exchanged.is_new AND exchanged.was_spent AND t.session_id = exchanged.session_id
    AND t.token_hash <> exchanged.successor_hash AND t.spent_at IS NULL
),
used_session AS (
  UPDATE sessions s SET last_used_at = now(), last_address = nullif($4::text, ''), last_user_agent = $5::text,
    clinic_id = exchanged.clinic_id
  FROM exchanged WHERE s.id = exchanged.session_id
),
ended_session AS (
  UPDATE sessions s SET ended_at = now()
  WHERE s.ended_at IS NULL AND s.id = coalesce(
    (SELECT t.session_id FROM refresh_tokens t
      WHERE t.token_hash = $1::text AND NOT t.spent_at > now() - make_interval(secs => 30)),
    (SELECT session_id FROM spent WHERE NOT EXISTS (SELECT FROM successor))
  )
  RETURNING 1
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    reason)
  SELECT u.id, u.username, u.role, s.id, s.clinic_id, $6::uuid, $4::text,
    CASE WHEN EXISTS (SELECT FROM exchanged) THEN 'repeat_refresh' ELSE 'refresh' END,
    CASE WHEN EXISTS (SELECT FROM exchanged) THEN 'done'
      ELSE 'refused' END,
    CASE WHEN EXISTS (SELECT FROM ended_session) THEN 'used again: the session has ended' END
  FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id JOIN users u ON u.id = s.user_id
  WHERE t.token_hash = $1::text AND NOT EXISTS (SELECT FROM exchanged WHERE is_new)
)
SELECT user_id, session_id, clinic_id, token_version, must_change_password, is_auditor, successor_hash FROM exchanged;
