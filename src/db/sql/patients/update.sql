-- PUT, PATCH /api/patients/:id: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 expected integer[], $7 excluded text[], $8 id integer, $9 changes jsonb, $10 request_id uuid, $11 address text
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
target AS (
  SELECT p.*,
    EXISTS (SELECT FROM caller WHERE p.owner_id = caller.clinic_id AND caller.clinic_role <> 'reader') AS can_change,
    p.owner_id = (SELECT clinic_id FROM caller) AS is_own,
    coalesce(p.version = ANY ($6::int[]), $6::int[] IS NULL)
      AND NOT ARRAY[p.version::text,
        p.version || '.' || age_on(p.born_to, (SELECT today FROM caller))] && $7::text[] AS is_expected_version
  FROM patients p
  WHERE p.id = $8::int AND (SELECT id FROM caller) IS NOT NULL AND EXISTS (
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
  FROM (SELECT count(*) FROM target HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
successor AS (
  SELECT p.id FROM patients p
  WHERE p.id = (SELECT CASE WHEN NOT EXISTS (SELECT FROM target) THEN last_survivor($8::int) END) AND EXISTS (
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
birth AS (
  SELECT birth.*
  FROM target, change_birth(target.birth_date, target.age, target.age_as_of,
    CASE WHEN $9::jsonb ? 'birth_date' THEN coalesce($9::jsonb ->> 'birth_date', '') END, ($9::jsonb ->> 'age')::int,
      (SELECT today FROM caller)) birth
),
next AS (
  SELECT p.id, birth.new_birth_date AS birth_date, birth.new_age AS age, birth.new_age_as_of AS age_as_of,
    coalesce($9::jsonb ->> 'firstname', p.firstname) AS firstname,
    coalesce($9::jsonb ->> 'lastname', p.lastname) AS lastname,
    CASE WHEN $9::jsonb ? 'email' THEN $9::jsonb ->> 'email' ELSE p.email END AS email,
    coalesce($9::jsonb ->> 'gender', p.gender) AS gender,
    coalesce(($9::jsonb ->> 'email_shared')::boolean, p.email_shared) AS email_shared,
    coalesce(($9::jsonb ->> 'anonymous')::boolean, p.anonymous) AS anonymous,
    CASE WHEN $9::jsonb ? 'phones' THEN ARRAY(SELECT jsonb_array_elements_text($9::jsonb -> 'phones'))
      ELSE p.phones END AS phones,
    CASE WHEN $9::jsonb ? 'address' THEN nullif($9::jsonb -> 'address', 'null') ELSE p.address END AS address,
    CASE WHEN $9::jsonb ? 'identifiers' THEN nullif($9::jsonb -> 'identifiers', 'null')
      ELSE p.identifiers END AS identifiers
  FROM target p, birth
),
field_errors AS (
  SELECT error_field AS field, error_code AS code FROM birth WHERE error_field IS NOT NULL
  UNION ALL SELECT field, 'required' AS code FROM next, unnest(ARRAY['firstname', 'lastname']) field
  WHERE next.firstname = '' AND next.lastname = ''
  UNION ALL SELECT 'email', 'required' FROM next
  WHERE next.email IS NULL AND next.phones = '{}' AND next.identifiers = '[]' AND NOT next.anonymous
  UNION ALL SELECT concat('identifiers.', i.place, '.', i.field), i.code FROM target,
    identifier_errors($9::jsonb -> 'identifiers', target.identifiers) i
  WHERE $9::jsonb ? 'identifiers'
),
taken_identifiers AS (
  SELECT i.system, i.patient_id AS existing
  FROM target, jsonb_array_elements($9::jsonb -> 'identifiers') WITH ORDINALITY a (item, place)
    JOIN patient_identifiers i ON i.key = identifier_key(item ->> 'value') COLLATE "C"
      AND i.system = (item ->> 'system') COLLATE "C"
  WHERE target.can_change AND target.is_expected_version AND i.owner_id = target.owner_id AND i.patient_id <> target.id
  ORDER BY place LIMIT 1
),
-- An email that was shared stays shared while another patient has it.
duplicate AS (
  SELECT other.id FROM target, next, patients other
  WHERE NOT next.email_shared AND (target.email_shared OR next.email IS DISTINCT FROM target.email)
    AND email_key(other.email) COLLATE "C" = email_key(next.email) COLLATE "C" AND other.owner_id = target.owner_id
    AND other.id <> target.id AND (target.email_shared OR NOT other.email_shared)
  ORDER BY other.email_shared, other.id LIMIT 1
),
changed AS (
  UPDATE patients p SET firstname = next.firstname, lastname = next.lastname, email = next.email, age = next.age,
    gender = next.gender, birth_date = next.birth_date, email_shared = next.email_shared, anonymous = next.anonymous,
    phones = next.phones, address = next.address, identifiers = next.identifiers, age_as_of = next.age_as_of,
    updated_at = now(), version = p.version + 1
  FROM target, next
  WHERE p.id = target.id AND target.can_change AND target.is_expected_version AND EXISTS (SELECT FROM caller_recheck)
    AND NOT EXISTS (SELECT FROM field_errors) AND NOT EXISTS (SELECT FROM duplicate)
    AND NOT EXISTS (SELECT FROM taken_identifiers)
  RETURNING p.version || '.' || age_on(p.born_to, (SELECT today FROM caller)) AS etag, (
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
      p.identifiers, p.age_as_of
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id, changes)
  SELECT id, username, role, $4::uuid, clinic_id, $10::uuid, $11::text,
    'update',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN EXISTS (SELECT FROM successor) THEN 'refused'
      WHEN EXISTS (SELECT FROM changed) THEN 'done'
      WHEN EXISTS (SELECT FROM target) THEN 'refused'
      ELSE 'not_found' END,
    $8::int,
    (SELECT nullif('{' || concat_ws(',',
      CASE WHEN target.firstname <> changed.firstname
        THEN concat('"firstname":{"before":', to_json(target.firstname), ',"after":', to_json(changed.firstname),
          '}') END,
      CASE WHEN target.lastname <> changed.lastname
        THEN concat('"lastname":{"before":', to_json(target.lastname), ',"after":', to_json(changed.lastname), '}') END,
      CASE WHEN target.email IS DISTINCT FROM changed.email
        THEN concat('"email":{"before":', coalesce(to_json(target.email)::text, 'null'), ',"after":',
          coalesce(to_json(changed.email)::text, 'null'), '}') END,
      CASE WHEN target.age IS DISTINCT FROM changed.age OR target.age_as_of IS DISTINCT FROM changed.age_as_of
        THEN concat('"age":{"before":', coalesce(to_json(target.age)::text, 'null'), ',"after":',
          coalesce(to_json(changed.age)::text, 'null'), '}') END,
      CASE WHEN target.gender <> changed.gender
        THEN concat('"gender":{"before":', to_json(target.gender), ',"after":', to_json(changed.gender), '}') END,
      CASE WHEN target.birth_date IS DISTINCT FROM changed.birth_date
        THEN concat('"birth_date":{"before":', coalesce(to_json(target.birth_date)::text, 'null'), ',"after":',
          coalesce(to_json(changed.birth_date)::text, 'null'), '}') END,
      CASE WHEN target.email_shared <> changed.email_shared
        THEN concat('"email_shared":{"before":', to_json(target.email_shared), ',"after":',
          to_json(changed.email_shared), '}') END,
      CASE WHEN target.anonymous <> changed.anonymous
        THEN concat('"anonymous":{"before":', to_json(target.anonymous), ',"after":', to_json(changed.anonymous),
          '}') END,
      CASE WHEN target.phones <> changed.phones
        THEN concat('"phones":{"before":', to_json(target.phones), ',"after":', to_json(changed.phones), '}') END,
      CASE WHEN target.address IS DISTINCT FROM changed.address
        THEN concat('"address":{"before":', coalesce(to_json(target.address)::text, 'null'), ',"after":',
          coalesce(to_json(changed.address)::text, 'null'), '}') END,
      CASE WHEN target.identifiers <> changed.identifiers
        THEN concat('"identifiers":{"before":', mask_identifiers(target.identifiers), ',"after":',
          mask_identifiers(changed.identifiers), '}') END
    ) || '}', '{}')::json FROM target, changed)
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM target) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        (SELECT can_change FROM target) AS "canChange",
  (SELECT is_expected_version FROM target) AS "isExpectedVersion",
    (SELECT is_own AND NOT can_change FROM target) AS "needsClinicRole", (SELECT id FROM successor) AS successor,
    (SELECT json_object_agg(field, code) FROM field_errors) AS "fieldErrors", (SELECT id FROM duplicate) AS existing,
    (SELECT row_to_json(t) FROM taken_identifiers t LIMIT 1) AS "takenIdentifier",
  (SELECT etag FROM changed) AS etag, (SELECT body FROM changed) AS body
FROM token_account;
