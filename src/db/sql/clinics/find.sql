-- GET /api/clinics/:id: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 default_time_zone text, $7 id integer, $8 request_id uuid, $9 address text, $10 is_retry boolean
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
found AS (
  SELECT c.id, c.name, c.kind,
    coalesce(nullif(c.time_zone, ''), $6::text) AS time_zone, c.active, (
      SELECT ms.role FROM memberships ms
        WHERE ms.clinic_id = c.id AND ms.account_id = (SELECT id FROM caller) AND ms.ended_at IS NULL
    ) AS role,
    substr(to_json(c.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS created_at,
      substr(to_json(c.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS updated_at
  FROM clinics c WHERE c.id = $7::int AND (EXISTS (SELECT FROM caller WHERE role = 'admin') OR (
    SELECT ms.role FROM memberships ms
      WHERE ms.clinic_id = c.id AND ms.account_id = (SELECT id FROM caller) AND ms.ended_at IS NULL
  ) IS NOT NULL)
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    changes)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $8::uuid, $9::text,
      'read_clinic',
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN EXISTS (SELECT FROM found) THEN 'done'
        ELSE 'not_found' END,
      (
        SELECT concat('{"clinic":{"before":', coalesce($7::int::text, 'null'), ',"after":',
          coalesce($7::int::text, 'null'), '}',
          coalesce(',' || substr((NULL::json)::text, 2), '}'))::json
        FROM caller
      )
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, changes)
  WHERE NOT ($10::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, NULL))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal,
  (SELECT row_to_json(r)::text FROM found r) AS body
FROM token_account;
