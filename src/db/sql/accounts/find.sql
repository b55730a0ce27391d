-- GET /api/accounts/:id: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 id integer, $5 request_id uuid, $6 address text, $7 is_retry boolean
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
found AS (
  SELECT u.id, u.username, u.email, u.role, u.active, u.doctor_id AS doctor,
    substr(to_json(u.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS created_at
  FROM users u WHERE u.id = $4::int AND (
    EXISTS (SELECT FROM caller WHERE role = 'admin')
    OR EXISTS (SELECT FROM caller WHERE role = 'auditor')
  )
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, subject_id)
  SELECT e.* FROM (
    SELECT id, username, role, $2::uuid, $5::uuid, $6::text,
      'read_account',
      CASE WHEN NOT is_accepted THEN 'refused'
        WHEN NOT (
          EXISTS (SELECT FROM caller WHERE role = 'admin')
          OR EXISTS (SELECT FROM caller WHERE role = 'auditor')
        ) THEN 'refused'
        WHEN EXISTS (SELECT FROM found) THEN 'done'
        ELSE 'not_found' END,
      $4::int
    FROM token_account
  ) e (account_id, username, role, session_id, request_id, address, action, outcome, subject_id)
  WHERE NOT ($7::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, NULL))
)
SELECT (
  EXISTS (SELECT FROM caller WHERE role = 'admin')
  OR EXISTS (SELECT FROM caller WHERE role = 'auditor')
) AS "isAllowed", (SELECT row_to_json(r)::text FROM found r) AS body
FROM caller;
