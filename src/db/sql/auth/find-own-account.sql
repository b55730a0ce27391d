-- GET /api/auth/me: $1 token_version integer, $2 session_id uuid, $3 user_id integer
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
account AS (SELECT u.id, u.username, u.email, u.role FROM users u WHERE u.id = (SELECT id FROM caller))
SELECT (SELECT row_to_json(r)::text FROM account r) AS body
FROM caller;
