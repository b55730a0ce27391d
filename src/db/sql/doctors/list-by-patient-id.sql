-- GET /api/doctors: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 search text, $7 patient integer, $8 after_id bigint, $9 active boolean, $10 specialization text, $11 updated_since timestamp with time zone, $12 size integer, $13 request_id uuid, $14 address text, $15 is_retry boolean
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
page_and_next AS (
  SELECT d.*, row_number() OVER (ORDER BY id) AS page_position
  FROM (
    SELECT d.id, d.firstname, d.lastname, d.email, d.gender, d.specialization, d.max_appointments_per_day, d.active,
      d.email_shared, d.phones, d.created_by, d.created_at, d.updated_at, d.version, d.name_sort_key
    FROM mappings m JOIN LATERAL (SELECT * FROM doctors WHERE id = m.doctor_id OFFSET 0) d ON true
    WHERE m.owner_id = (SELECT clinic_id FROM caller)
      AND (m.patient_id, m.doctor_id) > ($7::int, $8::bigint)
      AND m.patient_id <= $7::int
      AND ($6::text IS NULL
        OR d.name_tokens @@ (SELECT query FROM search))
      AND ($9::boolean IS NULL OR d.active = $9::boolean)
      AND ($10::text IS NULL OR d.specialization = $10::text)
      AND ($11::timestamptz IS NULL OR d.updated_at >= $11::timestamptz)
    ORDER BY m.patient_id, m.doctor_id LIMIT $12::int + 1
  ) d
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $12::int),
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
    SELECT id, username, role, $4::uuid, clinic_id, $13::uuid, $14::text,
      'list',
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN EXISTS (SELECT FROM patients p WHERE p.id = $7::int AND p.owner_id = (SELECT clinic_id FROM caller))
          THEN 'done'
        ELSE 'not_found' END,
      $7::int
    FROM token_account WHERE $7::int IS NOT NULL
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, patient_id)
  WHERE NOT ($15::boolean AND request_audited(e.account_id, e.request_id, e.outcome, e.patient_id, NULL))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal,
  (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  NULL::text AS key,
  (SELECT id::float8 FROM page_and_next d WHERE page_position = $12::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $12::int)) AS id,
  true AS "isAllowed"
FROM token_account;
