-- GET /api/doctors: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 search text, $5 after_key text, $6 after_id bigint, $7 patient integer, $8 active boolean, $9 specialization text, $10 updated_since timestamp with time zone, $11 size integer, $12 request_id uuid, $13 address text, $14 is_retry boolean
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
  SELECT name_query('', $4::text) AS query
),
page_and_next AS (
  SELECT d.*, row_number() OVER (ORDER BY name_sort_key, id) AS page_position
  FROM (
    SELECT d.id, d.firstname, d.lastname, d.email, d.gender, d.specialization, d.max_appointments_per_day, d.active, d.email_shared, d.phones, d.created_by, d.created_at, d.updated_at, d.version, d.name_sort_key
    FROM doctors d
    WHERE (d.name_sort_key, d.id) > ($5::text, $6::bigint)
      AND ($7::int IS NULL OR (
        SELECT m.owner_id = (SELECT id FROM caller) FROM mappings m WHERE m.patient_id = $7::int AND m.doctor_id = d.id))
      AND ($4::text IS NULL
        OR d.name_tokens @@ (SELECT query FROM search))
      AND ($8::boolean IS NULL OR d.active = $8::boolean)
      AND ($9::text IS NULL OR d.specialization = $9::text)
      AND ($10::timestamptz IS NULL OR d.updated_at >= $10::timestamptz)
    ORDER BY d.name_sort_key, d.id LIMIT $11::int + 1
  ) d
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $11::int),
page_json AS (
  SELECT page_position, concat(
    '{"id":', d.id, ',"firstname":', to_json(d.firstname), ',"lastname":', to_json(d.lastname),
    ',"email":', coalesce(to_json(d.email)::text, 'null'), ',"gender":"', d.gender, '"', ',"specialization":"', d.specialization, '"',
    ',"max_appointments_per_day":', d.max_appointments_per_day, ',"active":', d.active::text, ',"email_shared":', d.email_shared::text,
    ',"phones":', to_json(d.phones), ',"created_by":', d.created_by,
    ',"created_at":"', substr(to_json(d.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z', '"',
    ',"updated_at":"', substr(to_json(d.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z', '"', ',"version":', d.version, '}'
  ) AS json
  FROM page d
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, patient_id)
  SELECT e.* FROM (
    SELECT id, username, role, $2::uuid, $12::uuid, $13::text,
      'list',
      CASE WHEN NOT is_accepted THEN 'refused'
        WHEN EXISTS (SELECT FROM patients p WHERE p.id = $7::int AND p.owner_id = (SELECT id FROM caller)) THEN 'done'
        ELSE 'not_found' END,
      $7::int
    FROM token_account WHERE $7::int IS NOT NULL
  ) e (account_id, username, role, session_id, request_id, address, action, outcome, patient_id)
  WHERE NOT ($14::boolean AND request_audited(e.account_id, e.request_id, e.outcome, e.patient_id, NULL))
)
SELECT (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  (SELECT d.name_sort_key FROM page_and_next d WHERE page_position = $11::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $11::int)) AS key,
  (SELECT id::float8 FROM page_and_next d WHERE page_position = $11::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $11::int)) AS id,
  true AS "isAllowed"
FROM caller;
