-- GET /api/auth/sessions: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 idle_minutes integer
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
open_sessions AS (
  SELECT s.id, s.created_at, s.last_used_at, s.user_agent, s.last_address, s.last_user_agent,
    least(s.expires_at, s.last_used_at + make_interval(mins => $6::int))::timestamptz(3) AS expires_at
  FROM sessions s JOIN users u ON u.id = s.user_id
  WHERE s.user_id = (SELECT id FROM caller) AND s.ended_at IS NULL
    AND least(s.expires_at, s.last_used_at + make_interval(mins => $6::int)) > now()
    AND s.token_version = u.token_version AND s.password_version = u.password_version
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal, (
  SELECT ('[' || coalesce(string_agg((SELECT row_to_json(o) FROM (SELECT
      s.id,
        substr(to_json(s.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS created_at,
      substr(to_json(s.last_used_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS last_used_at,
      substr(to_json(s.expires_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS expires_at,
      s.user_agent, s.last_address, s.last_user_agent, s.id = $4::uuid AS current) o)::text,
        ',' ORDER BY s.created_at DESC, s.id),
        '') || ']')::json::text
  FROM open_sessions s
) AS body
FROM token_account;
