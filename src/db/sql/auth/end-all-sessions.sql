-- DELETE /api/auth/sessions: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 request_id uuid, $7 address text
WITH token_account AS (
  SELECT u.id, u.username, u.role, u.doctor_id, $1::int AS clinic_id, ms.role AS clinic_role,
    coalesce((now() AT TIME ZONE nullif(ms.time_zone, ''))::date, $2::date) AS today,
    CASE WHEN u.must_change_password OR NOT (u.active AND u.token_version = $3::int) OR s.id IS NULL
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
locked_sessions AS (
  SELECT s.id FROM sessions s WHERE s.id = ANY (ARRAY(
    SELECT of_account.id FROM sessions of_account
      WHERE of_account.user_id = (SELECT id FROM caller) AND of_account.ended_at IS NULL
  )) AND s.ended_at IS NULL ORDER BY s.id
  FOR NO KEY UPDATE
),
ended AS (
  UPDATE sessions s SET ended_at = now() FROM locked_sessions WHERE s.id = locked_sessions.id
  RETURNING 1
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome)
  SELECT id, username, role, $4::uuid, clinic_id, $6::uuid, $7::text,
    'logout',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      ELSE 'done' END
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal, EXISTS (SELECT FROM ended) AS "isEnded"
FROM token_account;
