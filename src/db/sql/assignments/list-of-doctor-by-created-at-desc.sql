-- GET /api/mappings: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 doctor integer, $5 after_key timestamp with time zone, $6 after_id bigint, $7 patient integer, $8 size integer, $9 today date, $10 request_id uuid, $11 address text, $12 is_retry boolean
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
page_and_next AS (
  SELECT m.*, row_number() OVER (ORDER BY assigned_at DESC, id DESC) AS page_position
  FROM (
    SELECT DISTINCT ON (assigned_at, id) * FROM (
      (
        SELECT m.*
        FROM mappings m
        WHERE NOT (EXISTS (SELECT FROM caller WHERE role = 'admin') OR (SELECT doctor_id FROM caller) IS NOT DISTINCT FROM $4::int) AND m.current_doctor_id = $4::int
          AND (m.owner_id, m.assigned_at, m.id) < ((SELECT id FROM caller), $5::timestamptz, $6::bigint)
          AND m.owner_id >= (SELECT id FROM caller)
          AND ($7::int IS NULL OR m.patient_id = $7::int)
        ORDER BY m.owner_id DESC, m.assigned_at DESC, m.id DESC LIMIT $8::int + 1
      )
      UNION ALL
      (
        SELECT m.*
        FROM mappings m
        WHERE (EXISTS (SELECT FROM caller WHERE role = 'admin') OR (SELECT doctor_id FROM caller) IS NOT DISTINCT FROM $4::int)
          AND (m.current_doctor_id, m.assigned_at, m.id) < ($4::int, $5::timestamptz, $6::bigint)
          AND m.current_doctor_id >= $4::int
          AND ($7::int IS NULL OR m.patient_id = $7::int)
        ORDER BY m.current_doctor_id DESC, m.assigned_at DESC, m.id DESC LIMIT $8::int + 1
      )
    ) merged
    ORDER BY assigned_at DESC, id DESC LIMIT $8::int + 1
  ) m
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $8::int),
page_json AS (
  SELECT page_position, concat(
    '{"id":', m.id,
    ',"patient":',
    '{"id":', p.id, ',"firstname":', to_json(p.firstname), ',"lastname":', to_json(p.lastname),
    ',"age":', age_on(p.born_to, $9::date), ',"gender":"', p.gender, '"', ',"created_by":', p.created_by, '}',
    ',"doctor":',
    '{"id":', d.id, ',"firstname":', to_json(d.firstname), ',"lastname":', to_json(d.lastname),
    ',"specialization":"', d.specialization, '"', ',"max_appointments_per_day":', d.max_appointments_per_day, ',"gender":"', d.gender, '"',
    ',"active":', d.active::text, '}',
    ',"assigned_at":"', substr(to_json(m.assigned_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z',
    '","role":"', m.role, '","primary":', m.is_primary::text,
    ',"ended_at":null,"ended_by":null,"version":', m.version, '}'
  ) AS json
  FROM page m
    JOIN patients p ON p.id = m.patient_id JOIN doctors d ON d.id = m.doctor_id
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, patients)
  SELECT e.* FROM (
    SELECT id, username, role, $2::uuid, $10::uuid, $11::text,
      'list',
      CASE WHEN NOT is_accepted THEN 'refused'
        ELSE 'done' END,
      ARRAY(SELECT DISTINCT patient_id FROM page ORDER BY patient_id)
    FROM token_account
  ) e (account_id, username, role, session_id, request_id, address, action, outcome, patients)
  WHERE NOT ($12::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, e.patients))
)
SELECT (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  (SELECT substr(to_json(m.assigned_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' FROM page_and_next m WHERE page_position = $8::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $8::int)) AS key,
  (SELECT id::float8 FROM page_and_next m WHERE page_position = $8::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $8::int)) AS id,
  true AS "isAllowed"
FROM caller;
