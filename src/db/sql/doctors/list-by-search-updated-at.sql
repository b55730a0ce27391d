-- GET /api/doctors: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 search text, $7 after_key timestamp with time zone, $8 updated_since timestamp with time zone, $9 after_id bigint, $10 patient integer, $11 active boolean, $12 specialization text, $13 size integer, $14 request_id uuid, $15 address text, $16 is_retry boolean
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
  SELECT name_query('', $6::text) AS query
),
next_matches AS MATERIALIZED (
  SELECT d.id, d.firstname, d.lastname, d.email, d.gender, d.specialization, d.max_appointments_per_day, d.active,
    d.email_shared, d.phones, d.created_by, d.created_at, d.updated_at, d.version, d.name_sort_key
  FROM (
    SELECT d.*
    FROM doctors d
    WHERE (d.updated_at, d.id) > (greatest($7::timestamptz, $8::timestamptz), $9::bigint)
    ORDER BY d.updated_at, d.id LIMIT 3000
  ) d
  WHERE ($10::int IS NULL OR (
    SELECT m.owner_id = (SELECT clinic_id FROM caller) FROM mappings m
      WHERE m.patient_id = $10::int AND m.doctor_id = d.id))
    AND ($6::text IS NULL
      OR d.name_tokens @@ (SELECT query FROM search))
    AND ($11::boolean IS NULL OR d.active = $11::boolean)
    AND ($12::text IS NULL OR d.specialization = $12::text)
    AND ($8::timestamptz IS NULL OR d.updated_at >= $8::timestamptz)
  ORDER BY updated_at, id LIMIT $13::int + 1
),
page_and_next AS (
  SELECT d.*, row_number() OVER (ORDER BY updated_at, id) AS page_position
  FROM (
    SELECT DISTINCT ON (updated_at, id) * FROM (
      (
        SELECT * FROM next_matches d
      )
      UNION ALL
      (
        SELECT d.id, d.firstname, d.lastname, d.email, d.gender, d.specialization, d.max_appointments_per_day, d.active,
          d.email_shared, d.phones, d.created_by, d.created_at, d.updated_at, d.version, d.name_sort_key
        FROM (SELECT * FROM doctors WHERE name_tokens @@ (SELECT query FROM search) OFFSET 0) d
        WHERE (SELECT count(*) FROM next_matches) <= $13::int
          AND (d.updated_at, d.id) > (greatest($7::timestamptz, $8::timestamptz), $9::bigint)
          AND ($10::int IS NULL OR (
            SELECT m.owner_id = (SELECT clinic_id FROM caller) FROM mappings m
              WHERE m.patient_id = $10::int AND m.doctor_id = d.id))
          AND ($11::boolean IS NULL OR d.active = $11::boolean)
          AND ($12::text IS NULL OR d.specialization = $12::text)
          AND ($8::timestamptz IS NULL OR d.updated_at >= $8::timestamptz)
        ORDER BY d.updated_at, d.id LIMIT $13::int + 1
      )
    ) merged
    ORDER BY updated_at, id LIMIT $13::int + 1
  ) d
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $13::int),
page_json AS (
  SELECT page_position, (
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
  ) AS json
  FROM page d
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $14::uuid, $15::text,
      'list',
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN EXISTS (SELECT FROM patients p WHERE p.id = $10::int AND p.owner_id = (SELECT clinic_id FROM caller))
          THEN 'done'
        ELSE 'not_found' END,
      $10::int
    FROM token_account WHERE $10::int IS NOT NULL
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, patient_id)
  WHERE NOT ($16::boolean AND request_audited(e.account_id, e.request_id, e.outcome, e.patient_id, NULL))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal,
  (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  (SELECT substr(to_json(d.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z'
    FROM page_and_next d WHERE page_position = $13::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $13::int)) AS key,
  (SELECT id::float8 FROM page_and_next d WHERE page_position = $13::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $13::int)) AS id,
  true AS "isAllowed"
FROM token_account;
