-- DELETE /api/accounts/:id/sessions: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 id integer, $7 request_id uuid, $8 address text
WITH token_account AS (
  SELECT u.id, u.username, u.role, u.doctor_id, $1::int AS clinic_id, ms.role AS clinic_role,
    coalesce((now() AT TIME ZONE nullif(ms.time_zone, ''))::date, $2::date) AS today,
    CASE WHEN u.must_change_password OR u.role = 'auditor' OR NOT (u.active AND u.token_version = $3::int)
      OR s.id IS NULL
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
locked_account AS (SELECT u.id FROM users u
  WHERE u.id = (SELECT id FROM caller) AND EXISTS (SELECT FROM caller WHERE caller.role = 'admin') FOR SHARE),
locked_sessions AS (
  -- The caller's session is among them, and all are locked in the order of their ids: two admins may sign out each other.
  -- Shown by test/races/lock-order.test.ts.
  SELECT s.id, s.user_id FROM sessions s
  WHERE s.id = ANY ($4::uuid || ARRAY(
    SELECT of_account.id FROM sessions of_account WHERE of_account.user_id = $6::int AND of_account.ended_at IS NULL
  )) AND EXISTS (SELECT FROM locked_account)
  ORDER BY s.id
  FOR NO KEY UPDATE
),
locked_caller AS (
  SELECT CASE WHEN NOT (u.active AND u.token_version = $3::int)
    OR NOT (s.id = $4::uuid AND s.user_id = u.id AND s.password_version = u.password_version
    AND s.ended_at IS NULL AND s.expires_at > now())
      THEN 'token_revoked'
      WHEN s.clinic_id <> $1::int THEN 'clinic_changed'
      WHEN ms.ended_at IS NOT NULL THEN 'membership_ended'
      WHEN NOT ms.clinic_active THEN 'token_revoked'
    END AS refusal
  FROM (SELECT count(*) FROM (
    SELECT FROM caller UNION ALL SELECT FROM locked_sessions
  ) steps HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
found AS (
  SELECT u.id FROM users u
  WHERE u.id = $6::int AND EXISTS (SELECT FROM caller WHERE caller.role = 'admin')
    AND EXISTS (SELECT FROM caller_recheck)
),
ended_sessions AS (
  UPDATE sessions s SET ended_at = now()
  FROM found, locked_sessions
  WHERE s.id = locked_sessions.id AND locked_sessions.user_id = found.id AND s.ended_at IS NULL
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    subject_id)
  SELECT id, username, role, $4::uuid, clinic_id, $7::uuid, $8::text,
    'sign_out',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN NOT EXISTS (SELECT FROM caller WHERE role = 'admin') THEN 'refused'
      WHEN EXISTS (SELECT FROM found) THEN 'done'
      ELSE 'not_found' END,
    $6::int
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM caller) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        EXISTS (SELECT FROM caller WHERE caller.role = 'admin') AS "isAdmin", EXISTS (SELECT FROM found) AS "isFound"
FROM token_account;
