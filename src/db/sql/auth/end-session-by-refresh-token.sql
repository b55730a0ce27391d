-- POST /api/auth/logout: $1 token_hash text, $2 request_id uuid, $3 address text
WITH ended AS (
  UPDATE sessions s SET ended_at = coalesce(s.ended_at, now()) FROM refresh_tokens t
  WHERE t.token_hash = $1::text AND s.id = t.session_id
  RETURNING s.id, s.user_id, s.clinic_id
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome)
  SELECT u.id, u.username, u.role, ended.id, ended.clinic_id, $2::uuid, $3::text,
    'logout',
    'done'
  FROM ended JOIN users u ON u.id = ended.user_id
)
SELECT EXISTS (SELECT FROM ended) AS "isEnded";
