-- POST /api/appointments: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 patient integer, $7 doctor integer, $8 starts_at timestamp with time zone, $9 minutes integer, $10 note text, $11 override_reason text, $12 key text, $13 request_id uuid, $14 address text, $15 is_retry boolean
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
request AS (
  SELECT encode(sha256(convert_to(json_build_array('appointments', $6::int, $7::int,
    extract(epoch FROM $8::timestamptz), $9::int, $10::text, $11::text)::text,
    'UTF8')),
    'hex') AS fingerprint
),
visible_key AS (
  SELECT k.fingerprint, k.record_id, k.answer, EXISTS (SELECT FROM appointments a WHERE a.id = k.record_id AND EXISTS (
    SELECT FROM caller
    WHERE a.owner_id = caller.clinic_id
      OR a.owner_id IS NOT NULL AND a.doctor_id = caller.doctor_id
      OR a.owner_id IS NOT NULL AND EXISTS (
        SELECT FROM emergency_accesses ea
        WHERE ea.account_id = caller.id AND ea.patient_id = a.patient_id AND ea.expires_at > now()
          AND (caller.role = 'admin'
            OR ea.clinic_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager'))
      )
  )) AS is_readable
  FROM idempotency_keys k
    WHERE k.account_id = (SELECT id FROM caller)
      AND k.key = (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $12::text FROM caller)
),
earlier_key AS (
  SELECT fingerprint, record_id, answer, is_readable FROM visible_key
  UNION ALL SELECT k.fingerprint, k.record_id, k.answer, true
  FROM caller,
    kept_answer(caller.id,
      (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $12::text FROM caller)) k
    WHERE NOT EXISTS (SELECT FROM visible_key)
),
patient AS (
  SELECT p.id, p.owner_id FROM patients p
  WHERE p.id = $6::int AND EXISTS (
    SELECT FROM caller
    WHERE p.owner_id = caller.clinic_id AND caller.clinic_role <> 'reader'
      OR p.owner_id IS NOT NULL AND $7::int = caller.doctor_id AND EXISTS (
        SELECT FROM mappings m
        WHERE m.patient_id = p.id AND m.doctor_id = caller.doctor_id
      )
  ) AND NOT EXISTS (SELECT FROM earlier_key)
  FOR KEY SHARE
),
doctor AS (
  -- Locked, so that it is not made inactive and keeps its limit.
  SELECT d.id, d.active, (EXISTS (
    SELECT FROM caller
    WHERE caller.clinic_role = 'manager'
      OR d.id = caller.doctor_id
  )
    AND ((SELECT owner_id FROM patient) = (SELECT clinic_id FROM caller)
      OR d.id = (SELECT doctor_id FROM caller))) IS TRUE AS may_override
    FROM doctors d
  WHERE d.id = $7::int AND (SELECT count(*) FROM patient) >= 0 AND NOT EXISTS (SELECT FROM earlier_key)
  FOR SHARE
),
assigned AS (
  SELECT m.patient_id, m.doctor_id FROM patient, doctor, mappings m
  WHERE m.patient_id = patient.id AND m.doctor_id = doctor.id
  FOR KEY SHARE OF m
),
requested AS (
  SELECT assigned.patient_id, assigned.doctor_id, $8::timestamptz AS starts_at,
    $8::timestamptz + make_interval(mins => coalesce(
      $9::int, (SELECT s.slot_minutes FROM schedules s WHERE s.doctor_id = assigned.doctor_id), 30)) AS ends_at
  FROM assigned, doctor
  WHERE doctor.active AND ($11::text IS NULL OR doctor.may_override)
    AND NOT $8::timestamptz < date_trunc('minute', now()) AND NOT $8::timestamptz > now() + interval '366 days'
),
checked AS (
  SELECT requested.*, c.time_zone, c.rules, c.next_free
  FROM requested, check_appointment(
    requested.doctor_id, requested.patient_id, requested.starts_at, requested.ends_at, NULL, $11::text IS NOT NULL) c
),
locked_caller AS (
  SELECT CASE WHEN NOT (u.active AND u.token_version = $3::int)
    OR NOT (s.id = $4::uuid AND s.user_id = u.id AND s.password_version = u.password_version
    AND s.ended_at IS NULL AND s.expires_at > now())
      THEN 'token_revoked'
      WHEN s.clinic_id <> $1::int THEN 'clinic_changed'
      WHEN ms.ended_at IS NOT NULL THEN 'membership_ended'
      WHEN NOT ms.clinic_active THEN 'token_revoked'
      WHEN array_position(ARRAY['reader', 'clerk', 'clinician', 'manager'], ms.role)
        < array_position(ARRAY['reader', 'clerk', 'clinician', 'manager'], (SELECT clinic_role FROM caller))
        THEN 'token_revoked' END AS refusal
  FROM (SELECT count(*) FROM (
    SELECT FROM caller UNION ALL SELECT FROM earlier_key UNION ALL SELECT FROM patient UNION ALL SELECT
      FROM doctor UNION ALL SELECT FROM assigned UNION ALL SELECT FROM checked
  ) steps HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
draft AS (
  SELECT nextval('appointments_id_seq')::int AS id, checked.patient_id, patient.owner_id, checked.doctor_id,
    checked.starts_at::timestamptz(3) AS starts_at, checked.ends_at::timestamptz(3) AS ends_at, checked.time_zone,
    (checked.starts_at AT TIME ZONE checked.time_zone)::date AS day, 'booked' AS status, $10::text AS note,
    NULL::text AS cancel_reason, $11::text AS override_reason, (SELECT id FROM caller) AS created_by,
    now()::timestamptz(3) AS created_at, now()::timestamptz(3) AS updated_at, 1 AS version
  FROM checked, patient
  WHERE checked.rules = '{}' AND EXISTS (SELECT FROM caller_recheck)
),
response AS (SELECT a.id AS record_id, (
  '{"id":' || a.id
  || ',"patient":' || a.patient_id
  || ',"doctor":' || a.doctor_id
  || ',"starts_at":"' || substr(to_json(a.starts_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
  || 'Z","ends_at":"' || substr(to_json(a.ends_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
  || 'Z","day":' || to_json(a.day)
  || ',"time_zone":' || to_json(a.time_zone)
  || ',"status":"' || a.status
  || '","note":' || coalesce(to_json(a.note)::text, 'null')
  || ',"cancel_reason":' || coalesce(to_json(a.cancel_reason)::text, 'null')
  || ',"override_reason":' || coalesce(to_json(a.override_reason)::text, 'null')
  || ',"created_by":' || a.created_by
  || ',"created_at":"' || substr(to_json(a.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
  || 'Z","updated_at":"' || substr(to_json(a.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
  || 'Z","version":' || a.version || '}'
) AS answer FROM draft a),
stored_key AS (
  INSERT INTO idempotency_keys (account_id, key, fingerprint, record_id, answer)
  SELECT caller.id, (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $12::text FROM caller),
    request.fingerprint, response.record_id, response.answer
  FROM caller, request, response
    WHERE (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $12::text FROM caller) IS NOT NULL
  ON CONFLICT (account_id, key) DO UPDATE SET key = EXCLUDED.key
  RETURNING fingerprint, record_id, answer, xmax = 0 AS is_new
),
result AS (
  SELECT keys.record_id, keys.answer, keys.is_new, keys.fingerprint = request.fingerprint AS is_same_request,
    keys.is_readable
  FROM request, (
    SELECT fingerprint, record_id, answer, is_new, true AS is_readable FROM stored_key
    UNION ALL SELECT fingerprint, record_id, answer, false, is_readable FROM earlier_key
  ) keys
  UNION ALL SELECT record_id, answer, true, true, true FROM response
    WHERE (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $12::text FROM caller) IS NULL
),
created AS (
  INSERT INTO appointments (id, patient_id, owner_id, doctor_id, starts_at, ends_at, time_zone, note, override_reason,
    created_by, created_at, updated_at) OVERRIDING SYSTEM VALUE
  SELECT id, patient_id, owner_id, doctor_id, starts_at, ends_at, time_zone, note, override_reason, created_by,
    created_at, updated_at
  FROM draft WHERE EXISTS (SELECT FROM result WHERE is_new)
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id, doctor_id, changes, reason)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $13::uuid, $14::text,
      CASE WHEN EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_new) THEN 'replay' ELSE 'book' END,
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN EXISTS (SELECT FROM result WHERE is_same_request AND is_readable) AND EXISTS (SELECT FROM caller_recheck)
          THEN 'done'
        WHEN EXISTS (SELECT FROM patient) OR EXISTS (SELECT FROM result) OR EXISTS (
          SELECT FROM patients p WHERE p.id = $6::int AND p.owner_id = (SELECT clinic_id FROM caller) AND EXISTS (
            SELECT FROM caller
            WHERE p.owner_id = caller.clinic_id AND caller.clinic_role <> 'reader'
              OR p.owner_id IS NOT NULL AND $7::int = caller.doctor_id AND EXISTS (
                SELECT FROM mappings m
                WHERE m.patient_id = p.id AND m.doctor_id = caller.doctor_id
              )
          ) IS NOT TRUE
        ) OR NOT EXISTS (SELECT FROM caller_recheck) THEN 'refused'
        ELSE 'not_found' END,
      $6::int,
      $7::int,
      (SELECT nullif('{' || concat_ws(',',
        concat('"starts_at":{"before":', 'null', ',"after":',
          to_json(substr(to_json(draft.starts_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z'),
          '}'),
        concat('"ends_at":{"before":', 'null', ',"after":',
          to_json(substr(to_json(draft.ends_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z'),
          '}'),
        concat('"status":{"before":', 'null', ',"after":', to_json(draft.status), '}'),
        CASE WHEN draft.note IS NOT NULL
          THEN concat('"note":{"before":', 'null', ',"after":', CASE WHEN draft.note IS NULL THEN 'null'
            ELSE '"***"' END, '}') END,
        CASE WHEN draft.cancel_reason IS NOT NULL
          THEN concat('"cancel_reason":{"before":', 'null', ',"after":', CASE WHEN draft.cancel_reason IS NULL
            THEN 'null' ELSE '"***"' END, '}') END,
        CASE WHEN draft.override_reason IS NOT NULL
          THEN concat('"override_reason":{"before":', 'null', ',"after":', CASE WHEN draft.override_reason IS NULL
            THEN 'null' ELSE '"***"' END, '}') END
      ) || '}', '{}')::json FROM draft WHERE EXISTS (SELECT FROM result WHERE is_new)),
      $11::text
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, patient_id, doctor_id,
    changes, reason)
  WHERE NOT ($15::boolean AND request_audited(e.account_id, e.request_id, e.outcome, e.patient_id, NULL))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM caller) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        (SELECT answer FROM result WHERE is_same_request AND is_readable) AS body,
  (SELECT record_id FROM result WHERE is_same_request) AS id,
    EXISTS (SELECT FROM result WHERE NOT is_new) AS "isReplayed",
  EXISTS (SELECT FROM result WHERE NOT is_same_request) AS "keyReusedWithDifferentRequest",
  EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_readable) AS "isUnreadable", '1' AS etag, EXISTS (
    SELECT FROM patients p WHERE p.id = $6::int AND p.owner_id = (SELECT clinic_id FROM caller) AND EXISTS (
      SELECT FROM caller
      WHERE p.owner_id = caller.clinic_id AND caller.clinic_role <> 'reader'
        OR p.owner_id IS NOT NULL AND $7::int = caller.doctor_id AND EXISTS (
          SELECT FROM mappings m
          WHERE m.patient_id = p.id AND m.doctor_id = caller.doctor_id
        )
    ) IS NOT TRUE
  ) AS "lacksRole",
  EXISTS (SELECT FROM patient) AS "isPatient", EXISTS (SELECT FROM doctor) AS "isDoctor",
  EXISTS (SELECT FROM doctor WHERE active) AS "isActive", (SELECT may_override FROM doctor) AS "mayOverride",
  EXISTS (SELECT FROM assigned) AS "isAssigned", $8::timestamptz < date_trunc('minute', now()) AS "isPast",
    $8::timestamptz > now() + interval '366 days' AS "isTooFarAhead",
  (
    SELECT json_build_object('rules', rules, 'next_free', next_free) FROM checked WHERE rules <> '{}'
  ) AS "notBookable"
FROM token_account;
