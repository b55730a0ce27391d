-- GET /api/patients/:id: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 expected integer[], $7 known text[], $8 id integer, $9 request_id uuid, $10 address text, $11 is_retry boolean
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
-- The patient or, when it was merged, its successor: one step, because PostgreSQL prepares a permission for each call.
patient AS (
  SELECT p.id, p.version || '.' || age_on(p.born_to, (SELECT today FROM caller)) AS etag,
    coalesce(p.version = ANY ($6::int[]), $6::int[] IS NULL) AS is_expected_version,
    CASE WHEN ARRAY[p.version::text, p.version || '.' || age_on(p.born_to, (SELECT today FROM caller))] && $7::text[]
      THEN NULL
      WHEN coalesce(p.version = ANY ($6::int[]), $6::int[] IS NULL) THEN (
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
        || 'Z","updated_at":"' || substr(to_json(p.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2,
          23)
        || 'Z","version":' || p.version || '}'
      ) END AS body
  FROM patients p
  WHERE p.id = (
    SELECT CASE WHEN asked.merged_into IS NULL THEN asked.id ELSE last_survivor(asked.id) END
    FROM patients asked WHERE asked.id = $8::int
  ) AND EXISTS (
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
found AS (SELECT * FROM patient WHERE id = $8::int),
successor AS (SELECT id FROM patient WHERE id <> $8::int),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $9::uuid, $10::text,
      'read',
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN EXISTS (SELECT FROM successor) THEN 'refused'
        WHEN EXISTS (SELECT FROM found WHERE is_expected_version) THEN 'done'
        WHEN EXISTS (SELECT FROM found) THEN 'refused'
        ELSE 'not_found' END,
      $8::int
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, patient_id)
  WHERE NOT ($11::boolean AND request_audited(e.account_id, e.request_id, e.outcome, e.patient_id, NULL))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal, (SELECT etag FROM found) AS etag,
  (SELECT is_expected_version FROM found) AS "isExpectedVersion",
  (SELECT body FROM found) AS body, (SELECT id FROM successor) AS successor
FROM token_account;
