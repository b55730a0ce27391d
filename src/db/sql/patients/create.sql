-- POST /api/patients: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 record jsonb, $7 refuseDuplicates boolean, $8 request_id uuid, $9 address text
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
duplicate AS (
  SELECT other.id FROM caller,
    patient_with_email(caller.clinic_id, $6::jsonb ->> 'email',
      coalesce(($6::jsonb ->> 'email_shared')::boolean, false)) other (id)
),
taken_identifiers AS (
  SELECT i.system, i.patient AS existing FROM caller,
    patient_identifiers_taken(caller.clinic_id, $6::jsonb -> 'identifiers') i
  WHERE NOT EXISTS (SELECT FROM duplicate)
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
    SELECT FROM caller UNION ALL SELECT FROM duplicate UNION ALL SELECT FROM taken_identifiers
  ) steps HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
birth AS (
  SELECT birth.*
  FROM caller, change_birth(NULL, NULL, NULL,
    CASE WHEN $6::jsonb ? 'birth_date' THEN coalesce($6::jsonb ->> 'birth_date', '') END, ($6::jsonb ->> 'age')::int,
      (SELECT today FROM caller)) birth
),
field_errors AS (
  SELECT error_field AS field, error_code AS code FROM birth WHERE error_field IS NOT NULL
  UNION ALL SELECT concat('identifiers.', i.place, '.', i.field), i.code FROM caller,
    identifier_errors($6::jsonb -> 'identifiers', '[]') i
  WHERE $6::jsonb ? 'identifiers'
),
sought AS MATERIALIZED (
  SELECT caller.clinic_id AS owner_id,
    name_sort_key(coalesce(new.firstname, ''), coalesce(new.lastname, '')) AS name_key,
    earliest_birth_day(birth.new_birth_date, birth.new_age, birth.new_age_as_of) AS born_from,
      latest_birth_day(birth.new_birth_date, birth.new_age, birth.new_age_as_of) AS born_to,
      email_key(new.email) COLLATE "C" AS email_key,
    coalesce(new.phones, '{}') AS phones,
    CASE WHEN coalesce(new.phones, '{}') <> '{}'
      THEN name_words(CASE coalesce(new.firstname, '') WHEN '' THEN coalesce(new.lastname, '')
        ELSE coalesce(new.firstname, '') END) END AS given,
    CASE WHEN coalesce(new.phones, '{}') <> '{}'
      THEN name_words(coalesce(new.firstname, '') || ' ' || coalesce(new.lastname, '')) END AS words,
      coalesce(new.not_duplicate_of, '{}') AS excluded
  FROM caller, birth,
    jsonb_to_record($6::jsonb) AS new (firstname text, lastname text, email text, phones text[], not_duplicate_of int[])
  WHERE NOT EXISTS (SELECT FROM field_errors) AND NOT EXISTS (SELECT FROM duplicate)
),
candidates AS (
  SELECT id, why, score
  FROM (
    SELECT DISTINCT p.id, array_remove(ARRAY[looks.name, looks.birth, looks.phone, looks.email], NULL) AS why,
      CASE looks.name WHEN 'name' THEN 3 WHEN 'exchanged_name' THEN 2 ELSE 1 END
      + CASE WHEN looks.birth IS NULL THEN 0 WHEN p.born_from = p.born_to AND sought.born_from = sought.born_to THEN 2
        ELSE 1 END
      + CASE WHEN looks.phone IS NULL THEN 0 ELSE 2 END + CASE WHEN looks.email IS NULL THEN 0 ELSE 1 END AS score
    FROM sought, LATERAL (
      SELECT p.*
      FROM unnest(ARRAY[sought.name_key,
        split_part(sought.name_key, ' ', 2) || ' ' || split_part(sought.name_key, ' ', 1)]) AS name (key),
        LATERAL (
        SELECT * FROM patients p
        WHERE p.owner_id = sought.owner_id AND p.name_sort_key = name.key AND sought.name_key <> ' '
        ORDER BY p.id DESC LIMIT 100
      ) p
      UNION ALL (
        SELECT * FROM patients p
        WHERE sought.phones <> '{}' AND p.phones <> '{}'
          AND patient_phones(p.owner_id, p.deleted_from, p.phones) && patient_phones(sought.owner_id, NULL,
            sought.phones)
        LIMIT 100
      )
    ) p, LATERAL (
      SELECT CASE WHEN p.name_sort_key = sought.name_key THEN 'name'
          WHEN p.name_sort_key = split_part(sought.name_key, ' ', 2) || ' ' || split_part(sought.name_key, ' ', 1)
            THEN 'exchanged_name'
          WHEN name_words(CASE p.firstname WHEN '' THEN p.lastname ELSE p.firstname END) && sought.words
        AND name_words(p.firstname || ' ' || p.lastname) && sought.given THEN 'first_name' END AS name,
        CASE WHEN p.born_from <= sought.born_to AND p.born_to >= sought.born_from THEN 'birth' END AS birth,
        CASE WHEN p.phones && sought.phones THEN 'phone' END AS phone,
        CASE WHEN email_key(p.email) COLLATE "C" = sought.email_key THEN 'email' END AS email
      OFFSET 0
    ) looks
    WHERE looks.name IS NOT NULL AND (looks.birth IS NOT NULL OR looks.phone IS NOT NULL)
      AND p.id <> ALL (sought.excluded)
  ) p
  ORDER BY score DESC, id DESC LIMIT 10
),
draft AS (
  SELECT nextval('patients_id_seq')::int AS id, birth.new_birth_date AS birth_date, birth.new_age AS age,
    birth.new_age_as_of AS age_as_of,
    latest_birth_day(birth.new_birth_date, birth.new_age, birth.new_age_as_of) AS born_to,
    coalesce($6::jsonb ->> 'firstname', '') AS firstname,
    coalesce($6::jsonb ->> 'lastname', '') AS lastname,
    $6::jsonb ->> 'email' AS email,
    $6::jsonb ->> 'gender' AS gender,
    coalesce(($6::jsonb ->> 'email_shared')::boolean, false) AS email_shared,
    coalesce(($6::jsonb ->> 'anonymous')::boolean, false) AS anonymous,
    ARRAY(SELECT jsonb_array_elements_text($6::jsonb -> 'phones')) AS phones,
    nullif($6::jsonb -> 'address', 'null') AS address,
    coalesce(nullif($6::jsonb -> 'identifiers', 'null'), '[]') AS identifiers,
    caller.id AS created_by, caller.clinic_id AS owner_id, now()::timestamptz(3) AS created_at,
      now()::timestamptz(3) AS updated_at, 1 AS version
  FROM caller, birth
  WHERE EXISTS (SELECT FROM caller_recheck) AND EXISTS (SELECT FROM caller WHERE caller.clinic_role <> 'reader')
    AND NOT EXISTS (SELECT FROM field_errors) AND NOT EXISTS (SELECT FROM duplicate)
    AND NOT EXISTS (SELECT FROM taken_identifiers)
    AND NOT ($7::boolean AND EXISTS (SELECT FROM candidates))
),
response AS (
  SELECT p.id AS record_id, (
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
  ) AS answer, ARRAY(SELECT id FROM candidates ORDER BY score DESC, id DESC) AS duplicates
  FROM draft p
),
result AS (
  SELECT record_id, answer, duplicates, true AS is_new, true AS is_same_request, true AS is_readable FROM response
),
created AS (
  INSERT INTO patients (id, firstname, lastname, email, age, gender, birth_date, email_shared, anonymous, phones,
    address, identifiers, age_as_of, created_by, owner_id, created_at, updated_at) OVERRIDING SYSTEM VALUE
  SELECT id, firstname, lastname, email, age, gender, birth_date, email_shared, anonymous, phones, address, identifiers,
    age_as_of, created_by, owner_id, created_at, updated_at
  FROM draft WHERE EXISTS (SELECT FROM result WHERE is_new)
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id, changes)
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
      CASE WHEN draft.age IS NOT NULL
        THEN concat('"age":{"before":', 'null', ',"after":', coalesce(to_json(draft.age)::text, 'null'), '}') END,
      concat('"gender":{"before":', 'null', ',"after":', to_json(draft.gender), '}'),
      CASE WHEN draft.birth_date IS NOT NULL
        THEN concat('"birth_date":{"before":', 'null', ',"after":', coalesce(to_json(draft.birth_date)::text, 'null'),
          '}') END,
      CASE WHEN draft.email_shared
        THEN concat('"email_shared":{"before":', 'null', ',"after":', to_json(draft.email_shared), '}') END,
      CASE WHEN draft.anonymous
        THEN concat('"anonymous":{"before":', 'null', ',"after":', to_json(draft.anonymous), '}') END,
      CASE WHEN draft.phones <> '{}'
        THEN concat('"phones":{"before":', 'null', ',"after":', to_json(draft.phones), '}') END,
      CASE WHEN draft.address IS NOT NULL
        THEN concat('"address":{"before":', 'null', ',"after":', coalesce(to_json(draft.address)::text, 'null'),
          '}') END,
      CASE WHEN draft.identifiers <> '[]'
        THEN concat('"identifiers":{"before":', 'null', ',"after":', mask_identifiers(draft.identifiers), '}') END,
      CASE WHEN sought.excluded <> '{}'
        THEN concat('"not_duplicate_of":{"before":null,"after":', array_to_json(sought.excluded), '}') END
    ) || '}', '{}')::json
      FROM draft, result, sought WHERE is_new)
  FROM token_account
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
  (SELECT '1.' || (answer::json ->> 'age') FROM result WHERE is_same_request AND is_readable) AS etag,
  (SELECT id FROM duplicate) AS existing, (SELECT row_to_json(t) FROM taken_identifiers t LIMIT 1) AS "takenIdentifier",
    (SELECT json_object_agg(field, code) FROM field_errors) AS "fieldErrors",
  coalesce((SELECT duplicates FROM result WHERE is_same_request AND is_readable),
    ARRAY(SELECT id FROM candidates ORDER BY score DESC, id DESC)) AS duplicates
FROM token_account;
