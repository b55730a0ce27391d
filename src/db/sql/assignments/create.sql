-- POST /api/mappings: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 patient integer, $5 doctor integer, $6 role text, $7 primary boolean, $8 key text, $9 request_id uuid, $10 address text, $11 is_retry boolean
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
request AS (
  SELECT encode(sha256(convert_to(concat_ws(' ', 'mappings', $4::int, $5::int, nullif($6::text, 'attending'), CASE WHEN $7::boolean THEN 'primary' END), 'UTF8')), 'hex') AS fingerprint
),
visible_key AS (
  SELECT k.fingerprint, k.record_id, k.answer, EXISTS (
    SELECT FROM mappings m JOIN patients p ON p.id = m.patient_id WHERE m.id = k.record_id AND (
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
  ) AS is_readable
  FROM idempotency_keys k WHERE k.account_id = (SELECT id FROM caller) AND k.key = $8::text
),
earlier_key AS (
  SELECT fingerprint, record_id, answer, is_readable FROM visible_key
  UNION ALL SELECT k.fingerprint, k.record_id, k.answer, true
  FROM caller, kept_answer(caller.id, $8::text) k WHERE NOT EXISTS (SELECT FROM visible_key)
),
patient AS (
  SELECT p.id, p.owner_id FROM patients p
  WHERE p.id = $4::int AND (p.owner_id = (SELECT id FROM caller))
),
locked_patient AS (
  SELECT p.id FROM patients p
  WHERE p.id = (SELECT id FROM patient) AND $7::boolean AND NOT EXISTS (SELECT FROM earlier_key)
  FOR NO KEY UPDATE
),
doctor AS (
  -- Locked, so that no patient is assigned to a doctor whom a concurrent request makes inactive or deletes.
  SELECT d.id, d.active FROM doctors d WHERE d.id = $5::int AND NOT EXISTS (SELECT FROM earlier_key)
  FOR SHARE
),
assigned AS (
  SELECT FROM patient WHERE EXISTS (SELECT FROM doctor) AND assignment_taken(patient.id, $5::int)
),
caller_recheck AS (
  SELECT FROM (SELECT count(*) FROM (
    SELECT FROM caller UNION ALL SELECT FROM earlier_key UNION ALL SELECT FROM locked_patient UNION ALL SELECT FROM doctor UNION ALL SELECT FROM assigned
  ) steps HAVING count(*) > 0) locked, users u, sessions s
  WHERE u.id = (SELECT id FROM caller) AND u.active AND u.token_version = $1::int
    AND s.id = $2::uuid AND s.user_id = u.id
    AND s.password_version = u.password_version AND s.ended_at IS NULL AND s.expires_at > now()
  FOR SHARE OF u, s
),
draft AS (
  SELECT nextval('mappings_id_seq')::int AS id, patient.id AS patient_id, patient.owner_id, doctor.id AS doctor_id,
    now()::timestamptz(3) AS assigned_at, $6::text AS role, $7::boolean AS is_primary, 1 AS version
  FROM patient, doctor
  WHERE doctor.active AND EXISTS (SELECT FROM caller_recheck)
    AND NOT EXISTS (SELECT FROM earlier_key) AND NOT EXISTS (SELECT FROM assigned)
),
response AS (SELECT m.id AS record_id, (SELECT row_to_json(o) FROM (SELECT m.id, m.patient_id AS patient, m.doctor_id AS doctor, substr(to_json(m.assigned_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS assigned_at,
    m.role, m.is_primary AS "primary", NULL AS ended_at, NULL AS ended_by, m.version) o)::text AS answer FROM draft m),
stored_key AS (
  INSERT INTO idempotency_keys (account_id, key, fingerprint, record_id, answer)
  SELECT caller.id, $8::text, request.fingerprint, response.record_id, response.answer
  FROM caller, request, response WHERE $8::text IS NOT NULL
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
  UNION ALL SELECT record_id, answer, true, true, true FROM response WHERE $8::text IS NULL
),
former_primary AS (
  SELECT m.* FROM draft, unset_primary(draft.patient_id) m WHERE draft.is_primary AND EXISTS (SELECT FROM result WHERE is_new)
),
created AS (
  INSERT INTO mappings (id, patient_id, owner_id, doctor_id, assigned_at, role, is_primary) OVERRIDING SYSTEM VALUE
  SELECT id, patient_id, owner_id, doctor_id, assigned_at, role, is_primary
  FROM draft, (SELECT count(*) FROM former_primary) unset
  WHERE EXISTS (SELECT FROM result WHERE is_new)
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, patient_id, changes)
  SELECT e.* FROM (
    SELECT id, username, role, $2::uuid, $9::uuid, $10::text,
      CASE WHEN EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_new) THEN 'replay' ELSE 'assign' END,
      CASE WHEN NOT is_accepted THEN 'refused'
        WHEN EXISTS (SELECT FROM result WHERE is_same_request AND is_readable) AND EXISTS (SELECT FROM caller_recheck) THEN 'done'
        WHEN EXISTS (SELECT FROM patient) OR EXISTS (SELECT FROM result) OR NOT EXISTS (SELECT FROM caller_recheck) THEN 'refused'
        ELSE 'not_found' END,
      $4::int,
      (SELECT (
        SELECT ('{' || string_agg(
          format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'), coalesce(a.value::text, 'null')),
          ',' ORDER BY coalesce(b.n, a.n)
        ) || '}')::json
        FROM json_each(NULL) WITH ORDINALITY b (key, value, n)
          FULL JOIN json_each((
            SELECT json_strip_nulls(row_to_json(o)) FROM (
              SELECT doctor_id AS doctor, nullif(role, 'attending') AS role, nullif(is_primary, false) AS "primary" FROM draft
            ) o)) WITH ORDINALITY a (key, value, n) USING (key)
        WHERE b.value::text IS DISTINCT FROM a.value::text
      ) FROM result WHERE is_new)
    FROM token_account
  ) e (account_id, username, role, session_id, request_id, address, action, outcome, patient_id, changes)
  WHERE NOT ($11::boolean AND request_audited(e.account_id, e.request_id, e.outcome, e.patient_id, NULL))
),
primary_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, patient_id, changes)
  SELECT token_account.id, token_account.username, token_account.role, $2::uuid, $9::uuid, $10::text,
    'update_assignment',
    CASE WHEN NOT is_accepted THEN 'refused'
      ELSE 'done' END,
    f.patient_id,
    (
      SELECT ('{' || string_agg(
        format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'), coalesce(a.value::text, 'null')),
        ',' ORDER BY coalesce(b.n, a.n)
      ) || '}')::json
      FROM json_each(json_build_object('assignment', json_build_object('doctor', f.doctor_id, 'role', f.role, 'primary', true))) WITH ORDINALITY b (key, value, n)
        FULL JOIN json_each(json_build_object('assignment', json_build_object('doctor', f.doctor_id, 'role', f.role, 'primary', false))) WITH ORDINALITY a (key, value, n) USING (key)
      WHERE b.value::text IS DISTINCT FROM a.value::text
    )
  FROM token_account, former_primary f
)
SELECT (SELECT answer FROM result WHERE is_same_request AND is_readable) AS body,
  (SELECT record_id FROM result WHERE is_same_request) AS id, EXISTS (SELECT FROM result WHERE NOT is_new) AS "isReplayed",
  EXISTS (SELECT FROM result WHERE NOT is_same_request) AS "keyReusedWithDifferentRequest",
  EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_readable) AS "isUnreadable", '1' AS etag,
  EXISTS (SELECT FROM patient) AS patient, EXISTS (SELECT FROM doctor) AS doctor,
  EXISTS (SELECT FROM doctor WHERE active) AS active, EXISTS (SELECT FROM assigned) AS assigned
FROM caller WHERE NOT (EXISTS (SELECT FROM caller) AND NOT EXISTS (SELECT FROM caller_recheck));
