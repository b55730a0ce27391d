-- POST /api/patients/:id/access: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 reason text, $5 id integer, $6 request_id uuid, $7 address text
WITH token_account AS (
  SELECT u.id, u.username, u.role, u.doctor_id,
    NOT u.must_change_password AND u.role <> 'auditor' AND u.active AND u.token_version = $1::int AND EXISTS (
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
caller_recheck AS (
  SELECT FROM (SELECT count(*) FROM caller HAVING count(*) > 0) locked, users u, sessions s
  WHERE u.id = (SELECT id FROM caller) AND u.active AND u.token_version = $1::int
    AND s.id = $2::uuid AND s.user_id = u.id
    AND s.password_version = u.password_version AND s.ended_at IS NULL AND s.expires_at > now()
  FOR SHARE OF u, s
),
granted AS (
  INSERT INTO emergency_accesses (account_id, patient_id, expires_at, reason)
  SELECT (SELECT id FROM caller), p.id, now() + interval '1 hour', $4::text
  FROM patients p WHERE p.id = $5::int AND p.owner_id IS NOT NULL AND (EXISTS (SELECT FROM caller WHERE role = 'admin')) AND EXISTS (SELECT FROM caller_recheck)
  ON CONFLICT (account_id, patient_id) DO UPDATE SET expires_at = EXCLUDED.expires_at, reason = EXCLUDED.reason
  RETURNING patient_id, expires_at
),
successor AS (
  SELECT p.id FROM patients p
  WHERE p.id = (SELECT CASE WHEN NOT EXISTS (SELECT FROM granted) THEN last_survivor($5::int) END) AND p.owner_id IS NOT NULL AND (EXISTS (SELECT FROM caller WHERE role = 'admin'))
),
response AS (
  SELECT ea.patient_id AS patient, $4::text AS reason, substr(to_json(ea.expires_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS expires_at
  FROM granted ea
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, patient_id, reason)
  SELECT id, username, role, $2::uuid, $6::uuid, $7::text,
    'break_glass',
    CASE WHEN NOT is_accepted THEN 'refused'
      WHEN NOT EXISTS (SELECT FROM caller WHERE role = 'admin') THEN 'refused'
      WHEN EXISTS (SELECT FROM successor) THEN 'refused'
      WHEN EXISTS (SELECT FROM granted) THEN 'done'
      ELSE 'not_found' END,
    $5::int,
    $4::text
  FROM token_account
)
SELECT (EXISTS (SELECT FROM caller WHERE role = 'admin')) AS "isAdmin", (SELECT row_to_json(r)::text FROM response r) AS body, (SELECT id FROM successor) AS successor
FROM caller WHERE NOT (EXISTS (SELECT FROM caller) AND NOT EXISTS (SELECT FROM caller_recheck));
