-- GET /api/mappings: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 after_key timestamp with time zone, $5 after_id bigint, $6 patient integer, $7 size integer, $8 today date, $9 request_id uuid, $10 address text, $11 is_retry boolean
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
  SELECT em.*, row_number() OVER (ORDER BY assigned_at, id) AS page_position
  FROM (
    SELECT em.*
    FROM ended_assignments em
    WHERE (em.owner_id, em.assigned_at, em.id) > ((SELECT id FROM caller), $4::timestamptz, $5::bigint)
      AND em.owner_id <= (SELECT id FROM caller)
      AND ($6::int IS NULL OR em.patient_id = $6::int)
    ORDER BY em.owner_id, em.assigned_at, em.id LIMIT $7::int + 1
  ) em
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $7::int),
page_json AS (
  SELECT page_position, concat(
    '{"id":', em.id,
    ',"patient":',
    '{"id":', p.id, ',"firstname":', to_json(p.firstname), ',"lastname":', to_json(p.lastname),
    ',"age":', age_on(p.born_to, $8::date), ',"gender":"', p.gender, '"', ',"created_by":', p.created_by, '}',
    ',"doctor":', CASE WHEN d.id IS NULL THEN 'null' ELSE concat(
      '{"id":', d.id, ',"firstname":', to_json(d.firstname), ',"lastname":', to_json(d.lastname),
      ',"specialization":"', d.specialization, '"', ',"max_appointments_per_day":', d.max_appointments_per_day, ',"gender":"', d.gender, '"',
      ',"active":', d.active::text, '}') END,
    ',"assigned_at":"', substr(to_json(em.assigned_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z',
    '","role":"', em.role, '","primary":', em.is_primary::text,
    ',"ended_at":"', substr(to_json(em.ended_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z', '","ended_by":', em.ended_by, ',"version":', em.version,
    ',"doctor_name":', to_json(em.doctor_name), '}'
  ) AS json
  FROM page em
    JOIN patients p ON p.id = em.patient_id LEFT JOIN doctors d ON d.id = em.doctor_id
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, patients)
  SELECT e.* FROM (
    SELECT id, username, role, $2::uuid, $9::uuid, $10::text,
      'list',
      CASE WHEN NOT is_accepted THEN 'refused'
        ELSE 'done' END,
      ARRAY(SELECT DISTINCT patient_id FROM page ORDER BY patient_id)
    FROM token_account
  ) e (account_id, username, role, session_id, request_id, address, action, outcome, patients)
  WHERE NOT ($11::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, e.patients))
)
SELECT (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  (SELECT substr(to_json(em.assigned_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' FROM page_and_next em WHERE page_position = $7::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $7::int)) AS key,
  (SELECT id::float8 FROM page_and_next em WHERE page_position = $7::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $7::int)) AS id,
  true AS "isAllowed"
FROM caller;
