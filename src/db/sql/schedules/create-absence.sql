-- POST /api/doctors/:id/absences: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 id integer, $7 starts_at timestamp with time zone, $8 ends_at timestamp with time zone, $9 existing text, $10 key text, $11 request_id uuid, $12 address text, $13 is_retry boolean
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
  SELECT encode(sha256(convert_to(concat_ws(' ', 'absences', $6::int, extract(epoch FROM $7::timestamptz(3)),
    extract(epoch FROM $8::timestamptz(3)), $9::text),
    'UTF8')),
    'hex') AS fingerprint
),
visible_key AS (
  SELECT k.fingerprint, k.record_id, k.answer, EXISTS (SELECT FROM absences b WHERE b.id = k.record_id) AS is_readable
  FROM idempotency_keys k
    WHERE k.account_id = (SELECT id FROM caller)
      AND k.key = (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $10::text FROM caller)
),
earlier_key AS (
  SELECT fingerprint, record_id, answer, is_readable FROM visible_key
  UNION ALL SELECT k.fingerprint, k.record_id, k.answer, true
  FROM caller,
    kept_answer(caller.id,
      (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $10::text FROM caller)) k
    WHERE NOT EXISTS (SELECT FROM visible_key)
),
doctor AS (
  SELECT d.id, EXISTS (
    SELECT FROM caller
    WHERE d.created_by = caller.id
      OR d.id = caller.doctor_id
      OR caller.role = 'admin'
  ) AS can_change
  FROM doctors d
  WHERE d.id = $6::int AND EXISTS (SELECT FROM caller WHERE true) AND (SELECT id FROM caller) IS NOT NULL
    AND NOT EXISTS (SELECT FROM earlier_key)
  FOR KEY SHARE
),
booked AS (
  SELECT a.* FROM doctor, booked_appointments(doctor.id, tstzrange($7::timestamptz(3), $8::timestamptz(3))) a
    WHERE doctor.can_change
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
    SELECT FROM caller UNION ALL SELECT FROM earlier_key UNION ALL SELECT FROM doctor UNION ALL SELECT FROM booked
  ) steps HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
draft AS (
  SELECT nextval('absences_id_seq')::int AS id, doctor.id AS doctor_id, $7::timestamptz(3) AS starts_at,
    $8::timestamptz(3) AS ends_at,
    caller.id AS created_by, now()::timestamptz(3) AS created_at
  FROM doctor, caller
  WHERE doctor.can_change AND EXISTS (SELECT FROM caller_recheck)
    AND NOT ($9::text = 'refuse' AND EXISTS (SELECT FROM booked)) AND NOT ($9::text = 'cancel' AND EXISTS (
    SELECT FROM booked a WHERE NOT EXISTS (
      SELECT FROM caller
      WHERE a.owner_id = caller.clinic_id AND caller.clinic_role <> 'reader'
        OR (
          SELECT ms.role = 'manager' AND ms.ended_at IS NULL AND ms.clinic_active AND NOT ms.is_interim
            FROM memberships ms
          WHERE ms.clinic_id = a.owner_id AND ms.account_id = caller.id
        )
        OR a.owner_id IS NOT NULL AND a.doctor_id = caller.doctor_id
        OR caller.role = 'admin'
    )
  ))
),
response AS (SELECT b.id AS record_id,
  (SELECT row_to_json(o)
    FROM (SELECT b.id, b.doctor_id AS doctor,
      substr(to_json(b.starts_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS starts_at,
    substr(to_json(b.ends_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS ends_at,
      b.created_by,
      substr(to_json(b.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2,
        23) || 'Z' AS created_at) o)::text AS answer
      FROM draft b),
stored_key AS (
  INSERT INTO idempotency_keys (account_id, key, fingerprint, record_id, answer)
  SELECT caller.id, (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $10::text FROM caller),
    request.fingerprint, response.record_id, response.answer
  FROM caller, request, response
    WHERE (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $10::text FROM caller) IS NOT NULL
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
    WHERE (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $10::text FROM caller) IS NULL
),
cancelled AS (
  SELECT a.id, a.patient_id FROM cancel_appointments(
    CASE WHEN $9::text = 'cancel' AND EXISTS (SELECT FROM result WHERE is_new) THEN ARRAY(SELECT id FROM booked) END,
      'The doctor is absent.') a
),
created AS (
  INSERT INTO absences (id, doctor_id, starts_at, ends_at, created_by, created_at) OVERRIDING SYSTEM VALUE
  SELECT id, doctor_id, starts_at, ends_at, created_by, created_at
  FROM draft, (SELECT count(*) FROM cancelled) cancelled
  WHERE EXISTS (SELECT FROM result WHERE is_new)
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patients, doctor_id, changes)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $11::uuid, $12::text,
      CASE WHEN EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_new) THEN 'replay' ELSE 'absence' END,
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN EXISTS (SELECT FROM result WHERE is_same_request AND is_readable) AND EXISTS (SELECT FROM caller_recheck)
          THEN 'done'
        WHEN EXISTS (SELECT FROM doctor) OR EXISTS (SELECT FROM result) OR NOT EXISTS (SELECT FROM caller_recheck)
          THEN 'refused'
        ELSE 'not_found' END,
      (SELECT array_agg(DISTINCT patient_id ORDER BY patient_id) FROM cancelled),
      $6::int,
      (
        SELECT (
          SELECT ('{' || string_agg(
            format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'),
              coalesce(a.value::text, 'null')),
            ',' ORDER BY coalesce(b.n, a.n)
          ) || '}')::json
          FROM json_each(json_build_object('appointments',
            (SELECT coalesce(json_agg(id ORDER BY id), '[]') FROM cancelled))) WITH ORDINALITY b (key,
            value, n)
            FULL JOIN json_each((SELECT row_to_json(o)
              FROM (SELECT substr(to_json(b.starts_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2,
                23) || 'Z' AS starts_at,
                substr(to_json(b.ends_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS ends_at,
                '[]'::json AS appointments FROM draft b) o)) WITH ORDINALITY a (key,
              value, n) USING (key)
          WHERE b.value::text IS DISTINCT FROM a.value::text
        ) FROM result WHERE is_new
      )
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, patients, doctor_id,
    changes)
  WHERE NOT ($13::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, e.patients))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM caller) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        (SELECT answer FROM result WHERE is_same_request AND is_readable) AS body,
  (SELECT record_id FROM result WHERE is_same_request) AS id,
    EXISTS (SELECT FROM result WHERE NOT is_new) AS "isReplayed",
  EXISTS (SELECT FROM result WHERE NOT is_same_request) AS "keyReusedWithDifferentRequest",
  EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_readable) AS "isUnreadable",
    EXISTS (SELECT FROM doctor) AS "isFound",
  EXISTS (SELECT FROM doctor WHERE can_change) AS "canChange", ($9::text = 'cancel' AND EXISTS (
    SELECT FROM booked a WHERE NOT EXISTS (
      SELECT FROM caller
      WHERE a.owner_id = caller.clinic_id AND caller.clinic_role <> 'reader'
        OR (
          SELECT ms.role = 'manager' AND ms.ended_at IS NULL AND ms.clinic_active AND NOT ms.is_interim
            FROM memberships ms
          WHERE ms.clinic_id = a.owner_id AND ms.account_id = caller.id
        )
        OR a.owner_id IS NOT NULL AND a.doctor_id = caller.doctor_id
        OR caller.role = 'admin'
    )
  )) AS "isUncancellable",
  (
    SELECT json_build_object('appointments', coalesce(json_agg(a.id ORDER BY a.id) FILTER (WHERE EXISTS (
      SELECT FROM caller
      WHERE a.owner_id = caller.clinic_id
        OR a.owner_id IS NOT NULL AND a.doctor_id = caller.doctor_id
    )), '[]'),
      'others', count(*) FILTER (WHERE NOT EXISTS (
        SELECT FROM caller
        WHERE a.owner_id = caller.clinic_id
          OR a.owner_id IS NOT NULL AND a.doctor_id = caller.doctor_id
    )))
    FROM booked a HAVING count(*) > 0
  ) AS "openAppointments"
FROM token_account;
