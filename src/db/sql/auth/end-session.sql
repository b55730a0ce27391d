-- DELETE /api/auth/sessions/:id: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 id uuid, $5 request_id uuid, $6 address text
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
ended AS (
  UPDATE sessions s SET ended_at = now()
  WHERE s.id = $4::uuid AND s.user_id = (SELECT id FROM caller) AND s.ended_at IS NULL AND s.expires_at > now()
  RETURNING 1
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome)
  SELECT id, username, role, $2::uuid, $5::uuid, $6::text,
    'logout',
    CASE WHEN NOT is_accepted THEN 'refused'
      WHEN EXISTS (SELECT FROM ended) THEN 'done'
      ELSE 'not_found' END
  FROM token_account
)
SELECT EXISTS (SELECT FROM ended) AS "isEnded"
FROM caller;
