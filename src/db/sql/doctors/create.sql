-- POST /api/doctors: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 record jsonb, $7 key text, $8 request_id uuid, $9 address text, $10 is_retry boolean
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
  SELECT encode(sha256(convert_to('doctors' || $6::jsonb::text, 'UTF8')), 'hex') AS fingerprint
),
visible_key AS (
  SELECT k.fingerprint, k.record_id, k.answer,
    EXISTS (SELECT FROM doctors d WHERE d.id = k.record_id AND EXISTS (SELECT FROM caller WHERE true)) AS is_readable
  FROM idempotency_keys k
    WHERE k.account_id = (SELECT id FROM caller)
      AND k.key = (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $7::text FROM caller)
),
earlier_key AS (
  SELECT fingerprint, record_id, answer, is_readable FROM visible_key
  UNION ALL SELECT k.fingerprint, k.record_id, k.answer, true
  FROM caller,
    kept_answer(caller.id,
      (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $7::text FROM caller)) k
    WHERE NOT EXISTS (SELECT FROM visible_key)
),
duplicate AS (
  SELECT other.id FROM caller,
    doctor_with_email($6::jsonb ->> 'email', coalesce(($6::jsonb ->> 'email_shared')::boolean, false)) other (id)
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
    SELECT FROM caller UNION ALL SELECT FROM earlier_key UNION ALL SELECT FROM duplicate
  ) steps HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
draft AS (
  SELECT new.* FROM caller,
    jsonb_populate_record(NULL::doctors,
      '{"firstname": "", "lastname": "", "email_shared": false, "phones": []}'::jsonb || $6::jsonb || jsonb_build_object(
    'id', nextval('doctors_id_seq'), 'created_by', caller.id, 'created_at', now(), 'updated_at', now(), 'version',
      1)) new
  WHERE EXISTS (SELECT FROM caller_recheck) AND NOT EXISTS (SELECT FROM earlier_key)
    AND NOT EXISTS (SELECT FROM duplicate)
),
response AS (SELECT d.id AS record_id, (
  '{"id":' || d.id
  || ',"firstname":' || to_json(d.firstname)
  || ',"lastname":' || to_json(d.lastname)
  || ',"email":' || coalesce(to_json(d.email)::text, 'null')
  || ',"gender":"' || d.gender
  || '","specialization":"' || d.specialization
  || '","max_appointments_per_day":' || d.max_appointments_per_day
  || ',"active":' || d.active::text
  || ',"email_shared":' || d.email_shared::text
  || ',"phones":' || to_json(d.phones)
  || ',"created_by":' || d.created_by
  || ',"created_at":"' || substr(to_json(d.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
  || 'Z","updated_at":"' || substr(to_json(d.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
  || 'Z","version":' || d.version || '}'
) AS answer FROM draft d),
stored_key AS (
  INSERT INTO idempotency_keys (account_id, key, fingerprint, record_id, answer)
  SELECT caller.id, (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $7::text FROM caller),
    request.fingerprint, response.record_id, response.answer
  FROM caller, request, response
    WHERE (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $7::text FROM caller) IS NOT NULL
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
    WHERE (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $7::text FROM caller) IS NULL
),
created AS (
  INSERT INTO doctors (id, firstname, lastname, email, gender, specialization, max_appointments_per_day, active,
    email_shared, phones, created_by, created_at, updated_at) OVERRIDING SYSTEM VALUE
  SELECT id, firstname, lastname, email, gender, specialization, max_appointments_per_day, active, email_shared, phones,
    created_by, created_at, updated_at FROM draft WHERE EXISTS (SELECT FROM result WHERE is_new)
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    doctor_id, changes)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $8::uuid, $9::text,
      CASE WHEN EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_new) THEN 'replay' ELSE 'create' END,
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN EXISTS (SELECT FROM result WHERE is_same_request AND is_readable) AND EXISTS (SELECT FROM caller_recheck)
          THEN 'done'
        ELSE 'refused' END,
      (SELECT record_id FROM result WHERE is_same_request),
      (SELECT nullif('{' || concat_ws(',',
        concat('"firstname":{"before":', 'null', ',"after":', to_json(draft.firstname), '}'),
        concat('"lastname":{"before":', 'null', ',"after":', to_json(draft.lastname), '}'),
        CASE WHEN draft.email IS NOT NULL
          THEN concat('"email":{"before":', 'null', ',"after":', coalesce(to_json(draft.email)::text, 'null'), '}') END,
        concat('"gender":{"before":', 'null', ',"after":', to_json(draft.gender), '}'),
        concat('"specialization":{"before":', 'null', ',"after":', to_json(draft.specialization), '}'),
        concat('"max_appointments_per_day":{"before":', 'null', ',"after":', to_json(draft.max_appointments_per_day),
          '}'),
        concat('"active":{"before":', 'null', ',"after":', to_json(draft.active), '}'),
        CASE WHEN draft.email_shared
          THEN concat('"email_shared":{"before":', 'null', ',"after":', to_json(draft.email_shared), '}') END,
        CASE WHEN draft.phones <> '{}'
          THEN concat('"phones":{"before":', 'null', ',"after":', to_json(draft.phones), '}') END
      ) || '}', '{}')::json FROM draft, result WHERE is_new)
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, doctor_id, changes)
  WHERE NOT ($10::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, NULL))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM caller) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        (SELECT answer FROM result WHERE is_same_request AND is_readable) AS body,
  (SELECT record_id FROM result WHERE is_same_request) AS id,
    EXISTS (SELECT FROM result WHERE NOT is_new) AS "isReplayed",
  EXISTS (SELECT FROM result WHERE NOT is_same_request) AS "keyReusedWithDifferentRequest",
  EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_readable) AS "isUnreadable", '1' AS etag,
  (SELECT id FROM duplicate) AS existing
FROM token_account;
