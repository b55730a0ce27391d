-- GET /api/auth/sessions: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 idle_minutes integer
WITH token_account AS (
  SELECT u.id, u.username, u.role, u.doctor_id,
    NOT u.must_change_password AND u.active AND u.token_version = $1::int AND EXISTS (
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
open_sessions AS (
  SELECT s.id, s.created_at, s.last_used_at, s.user_agent, s.last_address, s.last_user_agent,
    least(s.expires_at, s.last_used_at + make_interval(mins => $4::int))::timestamptz(3) AS expires_at
  FROM sessions s JOIN users u ON u.id = s.user_id
  WHERE s.user_id = (SELECT id FROM caller) AND s.ended_at IS NULL
    AND least(s.expires_at, s.last_used_at + make_interval(mins => $4::int)) > now()
    AND s.token_version = u.token_version AND s.password_version = u.password_version
)
SELECT (
  SELECT ('[' || coalesce(string_agg((SELECT row_to_json(o) FROM (SELECT
      s.id, substr(to_json(s.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS created_at,
      substr(to_json(s.last_used_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS last_used_at,
      substr(to_json(s.expires_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS expires_at,
      s.user_agent, s.last_address, s.last_user_agent, s.id = $2::uuid AS current) o)::text, ',' ORDER BY s.created_at DESC, s.id), '') || ']')::json::text
  FROM open_sessions s
) AS body
FROM caller;
