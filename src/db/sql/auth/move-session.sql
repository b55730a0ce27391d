-- POST /api/auth/clinic: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 clinic integer, $7 spent_hash text, $8 token_hash text, $9 address text, $10 user_agent text, $11 request_id uuid
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
locked_session AS (
  SELECT s.id FROM users u, sessions s
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND s.user_id = u.id AND (SELECT count(*) FROM caller) >= 0
  FOR SHARE OF u FOR NO KEY UPDATE OF s
),
locked_memberships AS (
  SELECT ms.* FROM memberships ms
  WHERE ms.account_id = (SELECT id FROM caller) AND (ms.clinic_id = $1::int OR ms.clinic_id = $6::int)
    AND EXISTS (SELECT FROM locked_session)
  ORDER BY ms.clinic_id
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
    SELECT FROM locked_session UNION ALL SELECT FROM locked_memberships
  ) steps HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
target AS (
  SELECT clinic_id FROM locked_memberships
  WHERE clinic_id = $6::int AND ended_at IS NULL AND clinic_active AND NOT is_interim
    AND EXISTS (SELECT FROM caller_recheck)
),
spent AS (
  UPDATE refresh_tokens t SET spent_at = now(), successor_hash = CASE WHEN $7::text IS NOT NULL THEN $8::text END
  FROM locked_session
  WHERE t.session_id = locked_session.id AND t.spent_at IS NULL AND t.token_hash = coalesce($7::text, t.token_hash)
    AND EXISTS (SELECT FROM target)
  RETURNING 1
),
moved AS (
  UPDATE sessions s SET clinic_id = target.clinic_id, last_used_at = now(), last_address = nullif($9::text, ''),
    last_user_agent = $10::text
  FROM locked_session, target
  WHERE s.id = locked_session.id AND ($7::text IS NULL OR EXISTS (SELECT FROM spent))
  RETURNING s.id, s.user_id, s.clinic_id
),
new_token AS (
  INSERT INTO refresh_tokens (token_hash, session_id) SELECT $8::text, id FROM moved
),
used_membership AS (
  UPDATE memberships ms SET last_used_at = now() FROM moved
  WHERE ms.clinic_id = moved.clinic_id AND ms.account_id = moved.user_id
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    changes)
  SELECT id, username, role, $4::uuid, clinic_id, $11::uuid, $9::text,
    'move_session',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN EXISTS (SELECT FROM moved) THEN 'done'
      ELSE 'refused' END,
    (SELECT json_build_object('clinic', json_build_object('before', (SELECT clinic_id FROM caller), 'after', clinic_id))
      FROM moved)
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM locked_session) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        EXISTS (SELECT FROM target) AS "isMember", EXISTS (SELECT FROM moved) AS "isMoved"
FROM token_account;
