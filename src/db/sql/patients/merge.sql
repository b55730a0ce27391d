-- POST /api/patients/:id/merge: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 id integer, $7 into integer, $8 take text[], $9 key text, $10 expected integer[], $11 excluded text[], $12 into_expected integer[], $13 request_id uuid, $14 address text, $15 is_retry boolean
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
  SELECT encode(sha256(convert_to(concat_ws(' ', 'merge', $6::int, $7::int, $8::text[]::text), 'UTF8')),
    'hex') AS fingerprint
),
visible_key AS (
  SELECT k.fingerprint, k.record_id, k.answer,
    k.answer <> '{}' AND EXISTS (SELECT FROM patients p WHERE p.id = k.record_id AND EXISTS (
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
  )) AS is_readable
  FROM idempotency_keys k
    WHERE k.account_id = (SELECT id FROM caller)
      AND k.key = (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $9::text FROM caller)
),
earlier_key AS (
  SELECT fingerprint, record_id, answer, is_readable FROM visible_key
  UNION ALL SELECT k.fingerprint, k.record_id, k.answer, true
  FROM caller,
    kept_answer(caller.id,
      (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $9::text FROM caller)) k
    WHERE NOT EXISTS (SELECT FROM visible_key)
),
locked AS (
  SELECT p.*, p AS patient,
    EXISTS (SELECT FROM caller
      WHERE p.owner_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager')) AS can_change,
    p.owner_id = (SELECT clinic_id FROM caller) AS is_own,
    coalesce(p.version = ANY ($10::int[]), $10::int[] IS NULL)
      AND NOT ARRAY[p.version::text,
        p.version || '.' || age_on(p.born_to, (SELECT today FROM caller))] && $11::text[] AS is_expected_version,
    coalesce(p.version = ANY ($12::int[]), $12::int[] IS NULL) AS is_expected_survivor
  FROM patients p
  WHERE p.id IN ($6::int, $7::int) AND (SELECT id FROM caller) IS NOT NULL AND EXISTS (
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
    AND NOT EXISTS (SELECT FROM earlier_key)
  ORDER BY p.id
  FOR UPDATE
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
    SELECT FROM caller UNION ALL SELECT FROM earlier_key UNION ALL SELECT FROM locked
  ) steps HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
target AS (SELECT * FROM locked WHERE id = $6::int),
survivor AS (
  SELECT locked.* FROM locked, target
  WHERE locked.id = $7::int AND locked.id <> target.id AND locked.can_change AND locked.owner_id = target.owner_id
),
successor AS (
  SELECT p.id FROM patients p
  WHERE p.id = (SELECT CASE WHEN NOT EXISTS (SELECT FROM target) THEN last_survivor($6::int) END) AND EXISTS (
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
),
next AS (
  SELECT after.* FROM survivor, target, jsonb_populate_record(survivor.patient, (
    SELECT coalesce(jsonb_object_agg(key, value), '{}') || jsonb_build_object(
      'phones', CASE WHEN 'phones' = ANY ($8::text[])
        THEN unite_lists(to_jsonb(target.phones), to_jsonb(survivor.phones))
        ELSE unite_lists(to_jsonb(survivor.phones), to_jsonb(target.phones)) END,
      'identifiers', CASE WHEN 'identifiers' = ANY ($8::text[])
        THEN unite_lists(to_jsonb(target.identifiers), to_jsonb(survivor.identifiers))
        ELSE unite_lists(to_jsonb(survivor.identifiers), to_jsonb(target.identifiers)) END)
    FROM jsonb_each(to_jsonb(target.patient)) WHERE key = ANY ($8::text[])
  )) after
),
long_lists AS (
  SELECT 'phones' AS field FROM next
    WHERE jsonb_array_length(to_jsonb(next.phones)) > 5 UNION ALL SELECT 'identifiers' AS field FROM next
    WHERE jsonb_array_length(to_jsonb(next.identifiers)) > 10
),
overlapping AS (SELECT overlapping_appointments(target.id, survivor.id) AS ids FROM target, survivor),
merged AS (
  UPDATE patients p SET owner_id = NULL, merged_into = survivor.id, updated_at = now(), version = p.version + 1
  FROM target, survivor
  WHERE p.id = target.id AND target.can_change AND target.is_expected_version AND EXISTS (SELECT FROM caller_recheck)
    AND survivor.is_expected_survivor
    AND NOT EXISTS (SELECT FROM next
      WHERE next.firstname = '' AND next.lastname = ''
        OR NOT (next.email IS NOT NULL OR next.phones <> '{}' OR next.identifiers <> '[]') AND NOT next.anonymous)
      AND NOT EXISTS (SELECT FROM long_lists)
    AND (SELECT ids FROM overlapping) = '{}'
  RETURNING p.id
),
changed AS (
  UPDATE patients p SET firstname = next.firstname, lastname = next.lastname, email = next.email, age = next.age,
    gender = next.gender, birth_date = next.birth_date, email_shared = next.email_shared, anonymous = next.anonymous,
    phones = next.phones, address = next.address, identifiers = next.identifiers, age_as_of = next.age_as_of,
    updated_at = now(), version = p.version + 1
  FROM next, merged
  WHERE p.id = next.id
  RETURNING p.id, p.version || '.' || age_on(p.born_to, (SELECT today FROM caller)) AS etag, (
    '{"id":' || p.id
    || ',"firstname":' || to_json(p.firstname)
    || ',"lastname":' || to_json(p.lastname)
    || ',"email":' || coalesce(to_json(p.email)::text, 'null')
    || ',"age":' || age_on(p.born_to, (SELECT today FROM caller))
    || ',"gender":"' || p.gender
    || '","birth_date":' || coalesce(to_json(p.birth_date)::text, 'null')
    || ',"age_as_of":' || coalesce(to_json(p.age_as_of)::text, 'null')
    || ',"email_shared":' || p.email_shared::text
    || ',"anonymous":' || p.anonymous::text
    || ',"phones":' || to_json(p.phones)
    || ',"address":' || coalesce(p.address::text, 'null')
    || ',"identifiers":' || p.identifiers::text
    || ',"created_by":' || p.created_by
    || ',"created_at":"' || substr(to_json(p.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
    || 'Z","updated_at":"' || substr(to_json(p.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
    || 'Z","version":' || p.version || '}'
  ) AS body,
    p.firstname, p.lastname, p.email, p.age, p.gender, p.birth_date, p.email_shared, p.anonymous, p.phones, p.address,
      p.identifiers
),
moved AS (SELECT merge_assignments(merged.id, changed.id) AS result FROM merged, changed),
stored_merge AS (
  INSERT INTO patient_merges (survivor_id, merged_id, account_id, snapshot)
  SELECT survivor.id, target.id, (SELECT id FROM caller), moved.result || jsonb_build_object('changes', (
    SELECT coalesce(jsonb_object_agg(key, jsonb_build_object('before', b.value, 'after', a.value)), '{}')
    FROM jsonb_each(to_jsonb(survivor.patient)) b JOIN jsonb_each(to_jsonb(next)) a USING (key)
    WHERE key IN ('firstname', 'lastname', 'email', 'age', 'gender', 'birth_date', 'email_shared', 'anonymous',
      'phones', 'address', 'identifiers', 'age_as_of')
      AND b.value <> a.value))
  FROM survivor, target, next, moved
),
response AS (SELECT id AS record_id, body AS answer FROM changed),
stored_key AS (
  INSERT INTO idempotency_keys (account_id, key, fingerprint, record_id, answer)
  SELECT caller.id, (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $9::text FROM caller),
    request.fingerprint, response.record_id, response.answer
  FROM caller, request, response
    WHERE (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $9::text FROM caller) IS NOT NULL
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
    WHERE (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $9::text FROM caller) IS NULL
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id, patients, changes)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $13::uuid, $14::text,
      CASE WHEN EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_new) THEN 'replay' ELSE 'merge' END,
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN EXISTS (SELECT FROM successor) THEN 'refused'
        WHEN EXISTS (SELECT FROM result WHERE is_same_request AND is_readable) AND EXISTS (SELECT FROM caller_recheck)
          THEN 'done'
        WHEN EXISTS (SELECT FROM target) OR EXISTS (SELECT FROM result) THEN 'refused'
        ELSE 'not_found' END,
      CASE WHEN NOT EXISTS (SELECT FROM result WHERE is_same_request AND is_readable)
        AND EXISTS (SELECT FROM caller_recheck)
        THEN $6::int END,
      CASE WHEN EXISTS (SELECT FROM result WHERE is_same_request AND is_readable)
        AND EXISTS (SELECT FROM caller_recheck)
        THEN ARRAY[$6::int, $7::int] END,
      (
        SELECT (coalesce((nullif('{' || concat_ws(',',
          CASE WHEN survivor.firstname <> changed.firstname
            THEN concat('"firstname":{"before":', to_json(survivor.firstname), ',"after":', to_json(changed.firstname),
              '}') END,
          CASE WHEN survivor.lastname <> changed.lastname
            THEN concat('"lastname":{"before":', to_json(survivor.lastname), ',"after":', to_json(changed.lastname),
              '}') END,
          CASE WHEN survivor.email IS DISTINCT FROM changed.email
            THEN concat('"email":{"before":', coalesce(to_json(survivor.email)::text, 'null'), ',"after":',
              coalesce(to_json(changed.email)::text, 'null'), '}') END,
          CASE WHEN survivor.age IS DISTINCT FROM changed.age
            THEN concat('"age":{"before":', coalesce(to_json(survivor.age)::text, 'null'), ',"after":',
              coalesce(to_json(changed.age)::text, 'null'), '}') END,
          CASE WHEN survivor.gender <> changed.gender
            THEN concat('"gender":{"before":', to_json(survivor.gender), ',"after":', to_json(changed.gender), '}') END,
          CASE WHEN survivor.birth_date IS DISTINCT FROM changed.birth_date
            THEN concat('"birth_date":{"before":', coalesce(to_json(survivor.birth_date)::text, 'null'), ',"after":',
              coalesce(to_json(changed.birth_date)::text, 'null'), '}') END,
          CASE WHEN survivor.email_shared <> changed.email_shared
            THEN concat('"email_shared":{"before":', to_json(survivor.email_shared), ',"after":',
              to_json(changed.email_shared), '}') END,
          CASE WHEN survivor.anonymous <> changed.anonymous
            THEN concat('"anonymous":{"before":', to_json(survivor.anonymous), ',"after":', to_json(changed.anonymous),
              '}') END,
          CASE WHEN survivor.phones <> changed.phones
            THEN concat('"phones":{"before":', to_json(survivor.phones), ',"after":', to_json(changed.phones), '}') END,
          CASE WHEN survivor.address IS DISTINCT FROM changed.address
            THEN concat('"address":{"before":', coalesce(to_json(survivor.address)::text, 'null'), ',"after":',
              coalesce(to_json(changed.address)::text, 'null'), '}') END,
          CASE WHEN survivor.identifiers <> changed.identifiers
            THEN concat('"identifiers":{"before":', mask_identifiers(survivor.identifiers), ',"after":',
              mask_identifiers(changed.identifiers), '}') END
        ) || '}', '{}')::json)::jsonb, '{}')
          || jsonb_build_object('merged', jsonb_build_object('before', NULL, 'after', $6::int))
          || CASE WHEN moved.result -> 'doctors' ->> 'before' <> moved.result -> 'doctors' ->> 'after'
            THEN jsonb_build_object('doctors', moved.result -> 'doctors') ELSE '{}' END)::json
        FROM survivor, changed, moved)
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, patient_id, patients,
    changes)
  WHERE NOT ($15::boolean AND request_audited(e.account_id, e.request_id, e.outcome, e.patient_id, e.patients))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM caller) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        (SELECT answer FROM result WHERE is_same_request AND is_readable) AS body,
  (SELECT record_id FROM result WHERE is_same_request) AS id,
    EXISTS (SELECT FROM result WHERE NOT is_new) AS "isReplayed",
  EXISTS (SELECT FROM result WHERE NOT is_same_request) AS "keyReusedWithDifferentRequest",
  EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_readable) AS "isUnreadable",
    (SELECT can_change FROM target) AS "canChange",
  (SELECT is_expected_version FROM target) AS "isExpectedVersion",
    (SELECT is_own AND NOT can_change FROM target) AS "needsClinicRole", (SELECT id FROM successor) AS successor,
  (SELECT concat(answer::json ->> 'version', '.', answer::json ->> 'age') FROM result
    WHERE is_same_request AND is_readable) AS etag,
  EXISTS (SELECT FROM survivor) AS "hasSurvivor", (SELECT is_expected_survivor FROM survivor) AS "isExpectedSurvivor",
  EXISTS (SELECT FROM next
    WHERE next.firstname = '' AND next.lastname = ''
      OR NOT (next.email IS NOT NULL OR next.phones <> '{}' OR next.identifiers <> '[]')
        AND NOT next.anonymous) AS "isIncomplete",
    ARRAY(SELECT field FROM long_lists) AS "longLists",
  (SELECT ids FROM overlapping) AS overlapping
FROM token_account;
