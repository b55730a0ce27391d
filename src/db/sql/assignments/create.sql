-- POST /api/mappings: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 patient integer, $7 doctor integer, $8 role text, $9 primary boolean, $10 key text, $11 request_id uuid, $12 address text, $13 is_retry boolean
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
  SELECT encode(sha256(convert_to(concat_ws(' ', 'mappings', $6::int, $7::int, nullif($8::text, 'attending'),
    CASE WHEN $9::boolean THEN 'primary' END),
    'UTF8')),
    'hex') AS fingerprint
),
visible_key AS (
  SELECT k.fingerprint, k.record_id, k.answer, EXISTS (
    SELECT FROM mappings m JOIN patients p ON p.id = m.patient_id WHERE m.id = k.record_id AND EXISTS (
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
    )
  ) AS is_readable
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
patient AS (
  SELECT p.id, p.owner_id FROM patients p
  WHERE p.id = $6::int
    AND EXISTS (SELECT FROM caller
      WHERE p.owner_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager'))
),
locked_patient AS (
  SELECT p.id FROM patients p
  WHERE p.id = (SELECT id FROM patient) AND $9::boolean AND NOT EXISTS (SELECT FROM earlier_key)
  FOR NO KEY UPDATE
),
kept_patient AS (
  -- The lock of the foreign key, before the caller is locked. Shown by test/races/lock-order.test.ts.
  SELECT p.id FROM patients p
  WHERE p.id = (SELECT id FROM patient) AND NOT $9::boolean AND NOT EXISTS (SELECT FROM earlier_key)
  FOR KEY SHARE
),
doctor AS (
  -- Locked, so that no patient is assigned to a doctor whom a concurrent request makes inactive or deletes.
  SELECT d.id, d.active FROM doctors d
  WHERE d.id = $7::int AND NOT EXISTS (SELECT FROM earlier_key) AND (SELECT count(*) FROM locked_patient) >= 0
    AND (SELECT count(*) FROM kept_patient) >= 0
  FOR SHARE
),
assigned AS (
  SELECT FROM patient WHERE EXISTS (SELECT FROM doctor) AND assignment_taken(patient.id, $7::int)
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
    SELECT FROM caller UNION ALL SELECT FROM earlier_key UNION ALL SELECT FROM locked_patient UNION ALL SELECT
      FROM kept_patient UNION ALL SELECT FROM doctor UNION ALL SELECT FROM assigned
  ) steps HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
draft AS (
  SELECT nextval('mappings_id_seq')::int AS id, patient.id AS patient_id, patient.owner_id, doctor.id AS doctor_id,
    now()::timestamptz(3) AS assigned_at, $8::text AS role, $9::boolean AS is_primary, 1 AS version
  FROM patient, doctor
  WHERE doctor.active AND EXISTS (SELECT FROM caller_recheck)
    AND NOT EXISTS (SELECT FROM earlier_key) AND NOT EXISTS (SELECT FROM assigned)
),
response AS (SELECT m.id AS record_id,
  (SELECT row_to_json(o)
    FROM (SELECT m.id, m.patient_id AS patient, m.doctor_id AS doctor,
      substr(to_json(m.assigned_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS assigned_at,
    m.role, m.is_primary AS "primary", NULL AS ended_at, NULL AS ended_by, m.version) o)::text AS answer FROM draft m),
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
former_primary AS (
  SELECT m.* FROM draft, unset_primary(draft.patient_id) m
    WHERE draft.is_primary AND EXISTS (SELECT FROM result WHERE is_new)
),
created AS (
  INSERT INTO mappings (id, patient_id, owner_id, doctor_id, assigned_at, role, is_primary) OVERRIDING SYSTEM VALUE
  SELECT id, patient_id, owner_id, doctor_id, assigned_at, role, is_primary
  FROM draft, (SELECT count(*) FROM former_primary) unset
  WHERE EXISTS (SELECT FROM result WHERE is_new)
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id, changes)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $11::uuid, $12::text,
      CASE WHEN EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_new) THEN 'replay' ELSE 'assign' END,
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN EXISTS (SELECT FROM result WHERE is_same_request AND is_readable) AND EXISTS (SELECT FROM caller_recheck)
          THEN 'done'
        WHEN EXISTS (SELECT FROM patient) OR EXISTS (SELECT FROM result) OR NOT EXISTS (SELECT FROM caller_recheck)
          THEN 'refused'
        ELSE 'not_found' END,
      $6::int,
      (SELECT (
        SELECT ('{' || string_agg(
          format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'),
            coalesce(a.value::text, 'null')),
          ',' ORDER BY coalesce(b.n, a.n)
        ) || '}')::json
        FROM json_each(NULL) WITH ORDINALITY b (key, value, n)
          FULL JOIN json_each((
            SELECT json_strip_nulls(row_to_json(o)) FROM (
              SELECT doctor_id AS doctor, nullif(role, 'attending') AS role, nullif(is_primary, false) AS "primary"
                FROM draft
            ) o)) WITH ORDINALITY a (key, value, n) USING (key)
        WHERE b.value::text IS DISTINCT FROM a.value::text
      ) FROM result WHERE is_new)
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, patient_id, changes)
  WHERE NOT ($13::boolean AND request_audited(e.account_id, e.request_id, e.outcome, e.patient_id, NULL))
),
primary_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id, changes)
  SELECT token_account.id, token_account.username, token_account.role, $4::uuid, token_account.clinic_id, $11::uuid,
    $12::text,
    'update_assignment',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      ELSE 'done' END,
    f.patient_id,
    (
      SELECT ('{' || string_agg(
        format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'),
          coalesce(a.value::text, 'null')),
        ',' ORDER BY coalesce(b.n, a.n)
      ) || '}')::json
      FROM json_each(json_build_object('assignment',
        json_build_object('doctor', f.doctor_id, 'role', f.role, 'primary', true))) WITH ORDINALITY b (key,
        value, n)
        FULL JOIN json_each(json_build_object('assignment',
          json_build_object('doctor', f.doctor_id, 'role', f.role, 'primary', false))) WITH ORDINALITY a (key,
          value, n) USING (key)
      WHERE b.value::text IS DISTINCT FROM a.value::text
    )
  FROM token_account, former_primary f
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM caller) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        EXISTS (SELECT FROM caller WHERE caller.clinic_role IN ('clinician', 'manager')) AS "isAllowed",
        (SELECT answer FROM result WHERE is_same_request AND is_readable) AS body,
  (SELECT record_id FROM result WHERE is_same_request) AS id,
    EXISTS (SELECT FROM result WHERE NOT is_new) AS "isReplayed",
  EXISTS (SELECT FROM result WHERE NOT is_same_request) AS "keyReusedWithDifferentRequest",
  EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_readable) AS "isUnreadable", '1' AS etag,
  EXISTS (SELECT FROM patient) AS patient, EXISTS (SELECT FROM doctor) AS doctor,
  EXISTS (SELECT FROM doctor WHERE active) AS active, EXISTS (SELECT FROM assigned) AS assigned
FROM token_account;
