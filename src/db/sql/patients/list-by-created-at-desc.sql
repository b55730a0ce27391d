-- GET /api/patients: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 search text, $7 identifier text, $8 after_key timestamp with time zone, $9 after_id bigint, $10 email text, $11 phone text, $12 doctor integer, $13 gender text, $14 min_age integer, $15 max_age integer, $16 born_from date, $17 born_to date, $18 updated_since timestamp with time zone, $19 size integer, $20 request_id uuid, $21 address text, $22 is_retry boolean
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
search AS (
  SELECT name_query('', $6::text) AS query, name_query((SELECT clinic_id FROM caller) || ':', $6::text) AS scoped_query
),
sought AS (
  SELECT lower(btrim(split_part($7::text, ':', 1)) COLLATE "C") AS system,
    ARRAY[identifier_key($7::text), identifier_key(substr($7::text, strpos($7::text, ':') + 1))] AS keys
),
page_and_next AS (
  SELECT p.*, row_number() OVER (ORDER BY created_at DESC, id DESC) AS page_position
  FROM (
    SELECT DISTINCT ON (created_at, id) * FROM (
      (
        SELECT p.id, p.firstname, p.lastname, p.email, p.gender, p.birth_date, p.age_as_of, p.email_shared, p.anonymous,
          p.phones, p.address, p.identifiers, p.created_by, p.created_at, p.updated_at, p.version, p.born_to,
          p.name_sort_key
        FROM patients p
        WHERE (p.owner_id, p.created_at, p.id) < ((SELECT clinic_id FROM caller), $8::timestamptz, $9::bigint)
          AND p.owner_id >= (SELECT clinic_id FROM caller)
          AND ($10::text IS NULL OR email_key(p.email) COLLATE "C" = email_key($10::text) COLLATE "C")
          AND ($7::text IS NULL OR (
            SELECT true FROM patient_identifiers i
              WHERE i.patient_id = p.id AND i.key = ANY ((SELECT keys FROM sought) COLLATE "C")
              AND (i.key = (SELECT keys[1] FROM sought) COLLATE "C"
                OR i.system = (SELECT system FROM sought) COLLATE "C") LIMIT 1))
          AND ($11::text IS NULL OR p.phones @> ARRAY[$11::text])
          AND ($12::int IS NULL OR (
            SELECT true FROM mappings m WHERE m.patient_id = p.id AND m.doctor_id = $12::int))
          AND ($6::text IS NULL
            OR p.name_tokens @@ (SELECT query FROM search))
          AND ($13::text IS NULL OR p.gender = $13::text)
          AND (coalesce($14::int, 0) = 0
            OR p.born_from <= ((SELECT today FROM caller) - make_interval(years => $14::int))::date)
          AND ($15::int IS NULL
            OR p.born_to > ((SELECT today FROM caller) - make_interval(years => $15::int + 1))::date)
          AND ($16::date IS NULL OR p.born_to >= $16::date)
          AND ($17::date IS NULL OR p.born_from <= $17::date)
          AND ($18::timestamptz IS NULL OR p.updated_at >= $18::timestamptz)
        ORDER BY p.owner_id DESC, p.created_at DESC, p.id DESC LIMIT $19::int + 1
      )
      UNION ALL
      (
        SELECT p.id, p.firstname, p.lastname, p.email, p.gender, p.birth_date, p.age_as_of, p.email_shared, p.anonymous,
          p.phones, p.address, p.identifiers, p.created_by, p.created_at, p.updated_at, p.version, p.born_to,
          p.name_sort_key
        FROM (
          SELECT p.* FROM mappings m JOIN LATERAL (SELECT * FROM patients WHERE id = m.patient_id OFFSET 0) p ON true
          WHERE m.current_doctor_id = (SELECT doctor_id FROM caller) OFFSET 0
        ) p
        WHERE (SELECT doctor_id FROM caller) IS NOT NULL
          AND (p.created_at, p.id) < ($8::timestamptz, $9::bigint)
          AND ($10::text IS NULL OR email_key(p.email) COLLATE "C" = email_key($10::text) COLLATE "C")
          AND ($7::text IS NULL OR (
            SELECT true FROM patient_identifiers i
              WHERE i.patient_id = p.id AND i.key = ANY ((SELECT keys FROM sought) COLLATE "C")
              AND (i.key = (SELECT keys[1] FROM sought) COLLATE "C"
                OR i.system = (SELECT system FROM sought) COLLATE "C") LIMIT 1))
          AND ($11::text IS NULL OR p.phones @> ARRAY[$11::text])
          AND ($12::int IS NULL OR (
            SELECT true FROM mappings m WHERE m.patient_id = p.id AND m.doctor_id = $12::int))
          AND ($6::text IS NULL
            OR p.name_tokens @@ (SELECT query FROM search))
          AND ($13::text IS NULL OR p.gender = $13::text)
          AND (coalesce($14::int, 0) = 0
            OR p.born_from <= ((SELECT today FROM caller) - make_interval(years => $14::int))::date)
          AND ($15::int IS NULL
            OR p.born_to > ((SELECT today FROM caller) - make_interval(years => $15::int + 1))::date)
          AND ($16::date IS NULL OR p.born_to >= $16::date)
          AND ($17::date IS NULL OR p.born_from <= $17::date)
          AND ($18::timestamptz IS NULL OR p.updated_at >= $18::timestamptz)
        ORDER BY p.created_at DESC, p.id DESC LIMIT $19::int + 1
      )
    ) merged
    ORDER BY created_at DESC, id DESC LIMIT $19::int + 1
  ) p
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $19::int),
page_json AS (
  SELECT page_position, (
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
  ) AS json
  FROM page p
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patients)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $20::uuid, $21::text,
      'list',
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        ELSE 'done' END,
      ARRAY(SELECT id FROM page)
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, patients)
  WHERE NOT ($22::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, e.patients))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal,
  (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  (SELECT substr(to_json(p.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z'
    FROM page_and_next p WHERE page_position = $19::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $19::int)) AS key,
  (SELECT id::float8 FROM page_and_next p WHERE page_position = $19::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $19::int)) AS id,
  true AS "isAllowed"
FROM token_account;
