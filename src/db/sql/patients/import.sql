-- POST /api/patients/import: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 partial boolean, $7 digest text, $8 key text, $9 lines jsonb, $10 messages json, $11 refused json, $12 request_id uuid, $13 address text, $14 is_retry boolean
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
  SELECT encode(sha256(convert_to(concat_ws(' ', 'import', $6::boolean, $7::text), 'UTF8')), 'hex') AS fingerprint
),
visible_key AS (
  SELECT k.fingerprint, k.record_id, k.answer, NOT EXISTS (
    SELECT FROM json_array_elements(k.answer::json -> 'created') created
    WHERE NOT EXISTS (SELECT FROM patients p WHERE p.id = (created ->> 'id')::int AND EXISTS (
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
    ))
  ) AS is_readable
  FROM idempotency_keys k
    WHERE k.account_id = (SELECT id FROM caller)
      AND k.key = (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $8::text FROM caller)
),
earlier_key AS (
  SELECT fingerprint, record_id, answer, is_readable FROM visible_key
  UNION ALL SELECT k.fingerprint, k.record_id, k.answer, true
  FROM caller,
    kept_answer(caller.id,
      (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $8::text FROM caller)) k
    WHERE NOT EXISTS (SELECT FROM visible_key)
),
lines AS (
  SELECT sent.line, sent.record,
    coalesce(sent.record ->> 'firstname', '') AS firstname,
    coalesce(sent.record ->> 'lastname', '') AS lastname,
    sent.record ->> 'email' AS email,
    sent.record ->> 'gender' AS gender,
    coalesce((sent.record ->> 'email_shared')::boolean, false) AS email_shared,
    coalesce((sent.record ->> 'anonymous')::boolean, false) AS anonymous,
    ARRAY(SELECT jsonb_array_elements_text(sent.record -> 'phones')) AS phones,
    nullif(sent.record -> 'address', 'null') AS address,
    coalesce(nullif(sent.record -> 'identifiers', 'null'), '[]') AS identifiers
  FROM jsonb_to_recordset($9::jsonb) AS sent (line int, record jsonb)
),
existing_emails AS (
  SELECT email
  FROM patients_taken((SELECT clinic_id FROM caller), ARRAY(
    SELECT email_key(l.email) COLLATE "C" FROM lines l WHERE l.email IS NOT NULL AND NOT l.email_shared
  )) email
  WHERE NOT EXISTS (SELECT FROM earlier_key)
),
line_identifiers AS (
  SELECT l.line, i.n - 1 AS place, item ->> 'system' AS system, identifier_key(item ->> 'value') AS key
  FROM lines l, jsonb_array_elements(l.identifiers) WITH ORDINALITY i (item, n)
),
existing_identifiers AS (
  SELECT i.system, i.key
    FROM patients_identifiers_taken((SELECT clinic_id FROM caller), ARRAY(SELECT key FROM line_identifiers)) i
  WHERE NOT EXISTS (SELECT FROM earlier_key)
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
    SELECT FROM caller UNION ALL SELECT FROM earlier_key UNION ALL SELECT FROM existing_emails UNION ALL SELECT
      FROM existing_identifiers
  ) steps HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
births AS (
  SELECT l.line, birth.*
  FROM lines l, change_birth(NULL, NULL, NULL,
    CASE WHEN l.record ? 'birth_date' THEN coalesce(l.record ->> 'birth_date', '') END, (l.record ->> 'age')::int,
      (SELECT today FROM caller)) birth
),
line_errors AS (
  SELECT line, 'email' AS field, CASE
      WHEN email IS NULL OR email_shared THEN NULL
      WHEN email_key IN (SELECT email FROM existing_emails) THEN 'email_taken'
      WHEN row_number() OVER (PARTITION BY email_key, email_shared ORDER BY line) > 1 THEN 'email_repeated' END AS code
  FROM (SELECT l.line, l.email, l.email_shared, email_key(l.email) COLLATE "C" AS email_key FROM lines l) keys
  UNION ALL SELECT line, error_field, error_code FROM births
  UNION ALL SELECT l.line, i.field, i.code FROM lines l,
    LATERAL (SELECT concat('identifiers.', i.place, '.', i.field), i.code
      FROM identifier_errors(l.identifiers, '[]') i) i (field, code)
  UNION ALL SELECT line, concat('identifiers.', place, '.value'), CASE
      WHEN (system, key) IN (SELECT system, key FROM existing_identifiers) THEN 'identifier_taken'
      WHEN line > min(line) OVER (PARTITION BY system, key) THEN 'identifier_repeated' END
  FROM line_identifiers
),
refused AS (
  SELECT line, json_object_agg(field, json_build_array($10::json ->> code)) AS errors,
    json_object_agg(field, json_build_array(code)) AS error_codes
  FROM line_errors WHERE code IS NOT NULL GROUP BY line
  UNION ALL SELECT r.line, r.errors, r.error_codes
  FROM json_to_recordset($11::json) AS r (line int, errors json, error_codes json)
),
draft AS (
  SELECT line, nextval('patients_id_seq')::int AS id, firstname, lastname, email, gender, email_shared, anonymous,
    phones, address, identifiers, new_birth_date AS birth_date, new_age AS age,
    new_age_as_of AS age_as_of, (SELECT id FROM caller) AS created_by, (SELECT clinic_id FROM caller) AS owner_id
  FROM (SELECT * FROM lines JOIN births USING (line) WHERE line NOT IN (SELECT line FROM refused) ORDER BY line) valid
  WHERE EXISTS (SELECT FROM caller_recheck) AND EXISTS (SELECT FROM caller WHERE caller.clinic_role <> 'reader')
    AND ($6::boolean OR NOT EXISTS (SELECT FROM refused)) AND NOT EXISTS (SELECT FROM earlier_key)
),
response AS (
  SELECT NULL::int AS record_id,
    '{"created":' || (
      SELECT '[' || coalesce(string_agg(row_to_json(l)::text, ',' ORDER BY line), '') || ']'
      FROM (SELECT line, id FROM draft) l) || ',"refused":' || (
        SELECT '[' || coalesce(string_agg(row_to_json(l)::text, ',' ORDER BY line), '') || ']'
        FROM (SELECT line, errors, error_codes FROM refused) l) || '}' AS answer
  FROM caller
    WHERE EXISTS (SELECT FROM caller_recheck) AND EXISTS (SELECT FROM caller WHERE caller.clinic_role <> 'reader')
      AND ($6::boolean OR NOT EXISTS (SELECT FROM refused)) AND NOT EXISTS (SELECT FROM earlier_key)
),
stored_key AS (
  INSERT INTO idempotency_keys (account_id, key, fingerprint, record_id, answer)
  SELECT caller.id, (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $8::text FROM caller),
    request.fingerprint, response.record_id, response.answer
  FROM caller, request, response
    WHERE (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $8::text FROM caller) IS NOT NULL
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
    WHERE (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $8::text FROM caller) IS NULL
),
created AS (
  INSERT INTO patients (id, firstname, lastname, email, age, gender, birth_date, email_shared, anonymous, phones,
    address, identifiers, age_as_of, created_by, owner_id) OVERRIDING SYSTEM VALUE
  SELECT id, firstname, lastname, email, age, gender, birth_date, email_shared, anonymous, phones, address, identifiers,
    age_as_of, created_by, owner_id FROM draft WHERE EXISTS (SELECT FROM result WHERE is_new)
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patients)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $12::uuid, $13::text,
      CASE WHEN EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_new) THEN 'replay' ELSE 'import' END,
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN EXISTS (SELECT FROM result WHERE is_same_request AND is_readable) AND EXISTS (SELECT FROM caller_recheck)
          THEN 'done'
        ELSE 'refused' END,
      ARRAY(
        SELECT (created ->> 'id')::int FROM result, json_array_elements(answer::json -> 'created') created
        WHERE is_same_request)
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, patients)
  WHERE NOT ($14::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, e.patients))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM caller) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        EXISTS (SELECT FROM caller WHERE caller.clinic_role <> 'reader') AS "isAllowed",
        (SELECT answer FROM result WHERE is_same_request AND is_readable) AS body,
  (SELECT record_id FROM result WHERE is_same_request) AS id,
    EXISTS (SELECT FROM result WHERE NOT is_new) AS "isReplayed",
  EXISTS (SELECT FROM result WHERE NOT is_same_request) AS "keyReusedWithDifferentRequest",
  EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_readable) AS "isUnreadable",
  (
    SELECT '[' || coalesce(string_agg(row_to_json(l)::text, ',' ORDER BY line), '') || ']'
    FROM (SELECT line, errors, error_codes FROM refused) l) AS refused
FROM token_account;
