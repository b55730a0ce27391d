-- GET /api/patients: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 search text, $5 identifier text, $6 after_id bigint, $7 email text, $8 phone text, $9 doctor integer, $10 gender text, $11 min_age integer, $12 today date, $13 max_age integer, $14 born_from date, $15 born_to date, $16 updated_since timestamp with time zone, $17 size integer, $18 request_id uuid, $19 address text, $20 is_retry boolean
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
search AS (
  SELECT name_query('', $4::text) AS query, name_query((SELECT id FROM caller) || ':', $4::text) AS scoped_query
),
sought AS (
  SELECT lower(btrim(split_part($5::text, ':', 1))) AS system,
    ARRAY[identifier_key($5::text), identifier_key(substr($5::text, strpos($5::text, ':') + 1))] AS keys
),
next_matches AS MATERIALIZED (
  SELECT p.id, p.firstname, p.lastname, p.email, p.gender, p.birth_date, p.age_as_of, p.email_shared, p.anonymous, p.phones, p.address, p.identifiers, p.created_by, p.created_at, p.updated_at, p.version, p.born_to, p.name_sort_key
  FROM (
    SELECT p.*
    FROM patients p
    WHERE (p.owner_id, p.id) < ((SELECT id FROM caller), $6::bigint)
      AND p.owner_id >= (SELECT id FROM caller)
    ORDER BY p.owner_id DESC, p.id DESC LIMIT 3000
  ) p
  WHERE ($7::text IS NULL OR email_key(p.email) COLLATE "C" = email_key($7::text) COLLATE "C")
    AND ($5::text IS NULL OR (
      SELECT true FROM patient_identifiers i WHERE i.patient_id = p.id AND i.key = ANY ((SELECT keys FROM sought) COLLATE "C")
        AND (i.key = (SELECT keys[1] FROM sought) COLLATE "C" OR i.system = (SELECT system FROM sought) COLLATE "C") LIMIT 1))
    AND ($8::text IS NULL OR p.phones @> ARRAY[$8::text])
    AND ($9::int IS NULL OR (
      SELECT true FROM mappings m WHERE m.patient_id = p.id AND m.doctor_id = $9::int))
    AND ($4::text IS NULL
      OR p.name_tokens @@ (SELECT query FROM search))
    AND ($10::text IS NULL OR p.gender = $10::text)
    AND (coalesce($11::int, 0) = 0 OR p.born_from <= ($12::date - make_interval(years => $11::int))::date)
    AND ($13::int IS NULL OR p.born_to > ($12::date - make_interval(years => $13::int + 1))::date)
    AND ($14::date IS NULL OR p.born_to >= $14::date)
    AND ($15::date IS NULL OR p.born_from <= $15::date)
    AND ($16::timestamptz IS NULL OR p.updated_at >= $16::timestamptz)
  ORDER BY id DESC LIMIT $17::int + 1
),
page_and_next AS (
  SELECT p.*, row_number() OVER (ORDER BY id DESC) AS page_position
  FROM (
    SELECT DISTINCT ON (id) * FROM (
      (
        SELECT * FROM next_matches p
      )
      UNION ALL
      (
        SELECT p.id, p.firstname, p.lastname, p.email, p.gender, p.birth_date, p.age_as_of, p.email_shared, p.anonymous, p.phones, p.address, p.identifiers, p.created_by, p.created_at, p.updated_at, p.version, p.born_to, p.name_sort_key
        FROM (
          SELECT * FROM patients
          WHERE patient_name_tokens(owner_id, deleted_from, name_tokens) @@ (SELECT scoped_query FROM search) OFFSET 0
        ) p
        WHERE (SELECT count(*) FROM next_matches) <= $17::int
          AND (p.owner_id, p.id) < ((SELECT id FROM caller), $6::bigint)
          AND p.owner_id >= (SELECT id FROM caller)
          AND ($7::text IS NULL OR email_key(p.email) COLLATE "C" = email_key($7::text) COLLATE "C")
          AND ($5::text IS NULL OR (
            SELECT true FROM patient_identifiers i WHERE i.patient_id = p.id AND i.key = ANY ((SELECT keys FROM sought) COLLATE "C")
              AND (i.key = (SELECT keys[1] FROM sought) COLLATE "C" OR i.system = (SELECT system FROM sought) COLLATE "C") LIMIT 1))
          AND ($8::text IS NULL OR p.phones @> ARRAY[$8::text])
          AND ($9::int IS NULL OR (
            SELECT true FROM mappings m WHERE m.patient_id = p.id AND m.doctor_id = $9::int))
          AND ($10::text IS NULL OR p.gender = $10::text)
          AND (coalesce($11::int, 0) = 0 OR p.born_from <= ($12::date - make_interval(years => $11::int))::date)
          AND ($13::int IS NULL OR p.born_to > ($12::date - make_interval(years => $13::int + 1))::date)
          AND ($14::date IS NULL OR p.born_to >= $14::date)
          AND ($15::date IS NULL OR p.born_from <= $15::date)
          AND ($16::timestamptz IS NULL OR p.updated_at >= $16::timestamptz)
        ORDER BY p.owner_id DESC, p.id DESC LIMIT $17::int + 1
      )
      UNION ALL
      (
        SELECT p.id, p.firstname, p.lastname, p.email, p.gender, p.birth_date, p.age_as_of, p.email_shared, p.anonymous, p.phones, p.address, p.identifiers, p.created_by, p.created_at, p.updated_at, p.version, p.born_to, p.name_sort_key
        FROM mappings m JOIN LATERAL (SELECT * FROM patients WHERE id = m.patient_id OFFSET 0) p ON true
        WHERE (SELECT doctor_id FROM caller) IS NOT NULL
          AND (m.current_doctor_id, m.patient_id) < ((SELECT doctor_id FROM caller), $6::bigint)
          AND m.current_doctor_id >= (SELECT doctor_id FROM caller)
          AND ($7::text IS NULL OR email_key(p.email) COLLATE "C" = email_key($7::text) COLLATE "C")
          AND ($5::text IS NULL OR (
            SELECT true FROM patient_identifiers i WHERE i.patient_id = p.id AND i.key = ANY ((SELECT keys FROM sought) COLLATE "C")
              AND (i.key = (SELECT keys[1] FROM sought) COLLATE "C" OR i.system = (SELECT system FROM sought) COLLATE "C") LIMIT 1))
          AND ($8::text IS NULL OR p.phones @> ARRAY[$8::text])
          AND ($9::int IS NULL OR (
            SELECT true FROM mappings m WHERE m.patient_id = p.id AND m.doctor_id = $9::int))
          AND ($4::text IS NULL
            OR p.name_tokens @@ (SELECT query FROM search))
          AND ($10::text IS NULL OR p.gender = $10::text)
          AND (coalesce($11::int, 0) = 0 OR p.born_from <= ($12::date - make_interval(years => $11::int))::date)
          AND ($13::int IS NULL OR p.born_to > ($12::date - make_interval(years => $13::int + 1))::date)
          AND ($14::date IS NULL OR p.born_to >= $14::date)
          AND ($15::date IS NULL OR p.born_from <= $15::date)
          AND ($16::timestamptz IS NULL OR p.updated_at >= $16::timestamptz)
        ORDER BY m.current_doctor_id DESC, m.patient_id DESC LIMIT $17::int + 1
      )
    ) merged
    ORDER BY id DESC LIMIT $17::int + 1
  ) p
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $17::int),
page_json AS (
  SELECT page_position, concat(
    '{"id":', p.id, ',"firstname":', to_json(p.firstname), ',"lastname":', to_json(p.lastname),
    ',"email":', coalesce(to_json(p.email)::text, 'null'),
    ',"age":', age_on(p.born_to, $12::date), ',"gender":"', p.gender, '"',
    ',"birth_date":', coalesce(to_json(p.birth_date)::text, 'null'), ',"age_as_of":', coalesce(to_json(p.age_as_of)::text, 'null'), ',"email_shared":', p.email_shared::text,
    ',"anonymous":', p.anonymous::text, ',"phones":', to_json(p.phones), ',"address":', coalesce(to_json(p.address)::text, 'null'),
    ',"identifiers":', to_json(p.identifiers), ',"created_by":', p.created_by,
    ',"created_at":"', substr(to_json(p.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z', '"',
    ',"updated_at":"', substr(to_json(p.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z', '"', ',"version":', p.version, '}'
  ) AS json
  FROM page p
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, patients)
  SELECT e.* FROM (
    SELECT id, username, role, $2::uuid, $18::uuid, $19::text,
      'list',
      CASE WHEN NOT is_accepted THEN 'refused'
        ELSE 'done' END,
      ARRAY(SELECT id FROM page)
    FROM token_account
  ) e (account_id, username, role, session_id, request_id, address, action, outcome, patients)
  WHERE NOT ($20::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, e.patients))
)
SELECT (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  NULL::text AS key,
  (SELECT id::float8 FROM page_and_next p WHERE page_position = $17::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $17::int)) AS id,
  true AS "isAllowed"
FROM caller;
