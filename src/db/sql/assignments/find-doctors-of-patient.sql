-- GET /api/mappings/:id: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 id integer, $5 request_id uuid, $6 address text, $7 is_retry boolean
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
found AS (
  SELECT p.id AS patient_id, btrim(p.firstname || ' ' || p.lastname) AS patient, (
    SELECT ('[' || coalesce(string_agg(concat(
      '{"id":', d.id, ',"firstname":', to_json(d.firstname), ',"lastname":', to_json(d.lastname),
      ',"specialization":"', d.specialization, '"', ',"max_appointments_per_day":', d.max_appointments_per_day, ',"gender":"', d.gender, '"',
      ',"active":', d.active::text, '}'), ',' ORDER BY d.id), '') || ']')::json
    FROM mappings m JOIN doctors d ON d.id = m.doctor_id WHERE m.patient_id = p.id
  ) AS doctors
  FROM patients p WHERE p.id = $4::int AND (
    p.owner_id = (SELECT id FROM caller)
    OR p.owner_id IS NOT NULL AND EXISTS (
      SELECT FROM mappings m
      WHERE m.patient_id = p.id AND m.doctor_id = (SELECT doctor_id FROM caller)
    )
    OR p.owner_id IS NOT NULL AND EXISTS (SELECT FROM caller WHERE role = 'admin') AND EXISTS (
      SELECT FROM emergency_accesses ea
      WHERE ea.account_id = (SELECT id FROM caller) AND ea.patient_id = p.id AND ea.expires_at > now()
    )
  )
),
successor AS (
  SELECT p.id FROM patients p
  WHERE p.id = (SELECT CASE WHEN NOT EXISTS (SELECT FROM found) THEN last_survivor($4::int) END) AND (
    p.owner_id = (SELECT id FROM caller)
    OR p.owner_id IS NOT NULL AND EXISTS (
      SELECT FROM mappings m
      WHERE m.patient_id = p.id AND m.doctor_id = (SELECT doctor_id FROM caller)
    )
    OR p.owner_id IS NOT NULL AND EXISTS (SELECT FROM caller WHERE role = 'admin') AND EXISTS (
      SELECT FROM emergency_accesses ea
      WHERE ea.account_id = (SELECT id FROM caller) AND ea.patient_id = p.id AND ea.expires_at > now()
    )
  )
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, patient_id)
  SELECT e.* FROM (
    SELECT id, username, role, $2::uuid, $5::uuid, $6::text,
      'read',
      CASE WHEN NOT is_accepted THEN 'refused'
        WHEN EXISTS (SELECT FROM successor) THEN 'refused'
        WHEN EXISTS (SELECT FROM found) THEN 'done'
        ELSE 'not_found' END,
      $4::int
    FROM token_account
  ) e (account_id, username, role, session_id, request_id, address, action, outcome, patient_id)
  WHERE NOT ($7::boolean AND request_audited(e.account_id, e.request_id, e.outcome, e.patient_id, NULL))
)
SELECT (SELECT row_to_json(r)::text FROM found r) AS body, (SELECT id FROM successor) AS successor
FROM caller;
