-- GET /api/patients/:id/duplicates: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 id integer, $7 request_id uuid, $8 address text, $9 is_retry boolean
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
sought AS MATERIALIZED (
  SELECT p.owner_id AS owner_id, name_sort_key(p.firstname, p.lastname) AS name_key,
    p.born_from AS born_from, p.born_to AS born_to, email_key(p.email) COLLATE "C" AS email_key,
    p.phones AS phones,
    CASE WHEN p.phones <> '{}'
      THEN name_words(CASE p.firstname WHEN '' THEN p.lastname ELSE p.firstname END) END AS given,
    CASE WHEN p.phones <> '{}' THEN name_words(p.firstname || ' ' || p.lastname) END AS words
  FROM patients p
  WHERE p.id = $6::int AND EXISTS (
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
        ORDER BY p.id DESC LIMIT 1000
      ) p
      UNION ALL (
        SELECT * FROM patients p
        WHERE sought.phones <> '{}' AND p.phones <> '{}'
          AND patient_phones(p.owner_id, p.deleted_from, p.phones) && patient_phones(sought.owner_id, NULL,
            sought.phones)
        LIMIT 1000
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
    WHERE looks.name IS NOT NULL AND (looks.birth IS NOT NULL OR looks.phone IS NOT NULL) AND p.id <> $6::int
      AND EXISTS (
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
  ) p
  ORDER BY score DESC, id DESC LIMIT 20
),
successor AS (
  SELECT p.id FROM patients p
  WHERE p.id = (SELECT CASE WHEN NOT EXISTS (SELECT FROM sought) THEN last_survivor($6::int) END) AND EXISTS (
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
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id, patients)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $7::uuid, $8::text,
      'duplicates',
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN EXISTS (SELECT FROM successor) THEN 'refused'
        WHEN EXISTS (SELECT FROM sought) THEN 'done'
        ELSE 'not_found' END,
      CASE WHEN NOT EXISTS (SELECT FROM sought) THEN $6::int END,
      CASE WHEN EXISTS (SELECT FROM sought) THEN $6::int || ARRAY(SELECT id FROM candidates) END
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, patient_id, patients)
  WHERE NOT ($9::boolean AND request_audited(e.account_id, e.request_id, e.outcome, e.patient_id, e.patients))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal, (
  SELECT ('[' || coalesce(string_agg(concat('{"patient":', (
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
  ), ',"why":', array_to_json(c.why), '}'), ',' ORDER BY c.score DESC, p.id DESC), '') || ']')::json::text
  FROM candidates c JOIN patients p ON p.id = c.id
  WHERE EXISTS (SELECT FROM sought) HAVING EXISTS (SELECT FROM sought)
) AS body, (SELECT id FROM successor) AS successor
FROM token_account;
