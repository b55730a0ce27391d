-- GET /api/doctors/:id/slots: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 patient integer, $7 minutes integer, $8 id integer, $9 from date, $10 to date, $11 after timestamp with time zone, $12 limit integer, $13 request_id uuid, $14 address text, $15 is_retry boolean
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
patient AS (SELECT p.id FROM patients p WHERE p.id = $6::int AND EXISTS (
  SELECT FROM caller
  WHERE p.owner_id = caller.clinic_id
    OR p.owner_id IS NOT NULL AND EXISTS (
      SELECT FROM mappings m
      WHERE m.patient_id = p.id AND m.doctor_id = caller.doctor_id
    )
    OR p.owner_id IS NOT NULL AND EXISTS (
      SELECT FROM emergency_accesses ea
      WHERE ea.account_id = caller.id AND ea.patient_id = p.id AND ea.expires_at > now()
        AND (caller.role = 'admin'
          OR ea.clinic_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager'))
    )
)),
doctor AS (
  SELECT d.id, sc.time_zone, coalesce($7::int, sc.slot_minutes) AS minutes
  FROM doctors d LEFT JOIN schedules sc ON sc.doctor_id = d.id
  WHERE d.id = $8::int AND EXISTS (SELECT FROM caller WHERE true) AND (SELECT id FROM caller) IS NOT NULL
),
slot AS (
  SELECT f.*, row_number() OVER (ORDER BY f.starts_at) AS position
  FROM doctor, free_slots(ARRAY[doctor.id], $9::date, $10::date, doctor.minutes,
    greatest(date_trunc('minute', now()), $11::timestamptz), (SELECT id FROM patient), NULL) f
  WHERE $6::int IS NULL OR EXISTS (SELECT FROM patient)
  ORDER BY f.starts_at LIMIT $12::int + 1
),
response AS (
  SELECT doctor.id AS doctor, doctor.time_zone, doctor.minutes, (
    SELECT ('[' || coalesce(string_agg(('{"starts_at":"' || substr(to_json(f.starts_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text,
      2, 23) || 'Z' || '","ends_at":"' || substr(to_json(f.ends_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text,
      2, 23) || 'Z'
      || '","day":"' || f.day || '"}'), ',' ORDER BY f.starts_at), '') || ']')::json FROM slot f
        WHERE f.position <= $12::int
  ) AS slots
  FROM doctor
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $13::uuid, $14::text,
      'read',
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN EXISTS (SELECT FROM patient) THEN 'done'
        ELSE 'not_found' END,
      $6::int
    FROM token_account WHERE $6::int IS NOT NULL
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, patient_id)
  WHERE NOT ($15::boolean AND request_audited(e.account_id, e.request_id, e.outcome, e.patient_id, NULL))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal,
  (SELECT row_to_json(r)::text FROM response r) AS body, EXISTS (SELECT FROM patient) AS "isPatientFound",
  (SELECT substr(to_json(f.starts_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' FROM slot f
    WHERE f.position > $12::int) AS next
FROM token_account;
