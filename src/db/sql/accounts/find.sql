-- GET /api/accounts/:id: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 id integer, $7 request_id uuid, $8 address text, $9 is_retry boolean
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
found AS (
  SELECT u.id, u.username, u.email, u.role, u.active, u.doctor_id AS doctor,
    substr(to_json(u.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS created_at
  FROM users u WHERE u.id = $6::int AND EXISTS (
    SELECT FROM caller
    WHERE caller.role = 'admin'
      OR caller.role = 'auditor'
  )
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    subject_id)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $7::uuid, $8::text,
      'read_account',
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN NOT EXISTS (
          SELECT FROM caller
          WHERE caller.role = 'admin'
            OR caller.role = 'auditor'
        ) THEN 'refused'
        WHEN EXISTS (SELECT FROM found) THEN 'done'
        ELSE 'not_found' END,
      $6::int
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, subject_id)
  WHERE NOT ($9::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, NULL))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal, EXISTS (
  SELECT FROM caller
  WHERE caller.role = 'admin'
    OR caller.role = 'auditor'
) AS "isAllowed", (SELECT row_to_json(r)::text FROM found r) AS body
FROM token_account;
