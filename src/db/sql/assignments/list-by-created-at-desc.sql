-- GET /api/mappings: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 after_key timestamp with time zone, $7 after_id bigint, $8 patient integer, $9 size integer, $10 request_id uuid, $11 address text, $12 is_retry boolean
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
page_and_next AS (
  SELECT m.*, row_number() OVER (ORDER BY assigned_at DESC, id DESC) AS page_position
  FROM (
    SELECT DISTINCT ON (assigned_at, id) * FROM (
      (
        SELECT m.*
        FROM mappings m
        WHERE (m.owner_id, m.assigned_at, m.id) < ((SELECT clinic_id FROM caller), $6::timestamptz, $7::bigint)
          AND m.owner_id >= (SELECT clinic_id FROM caller)
          AND ($8::int IS NULL OR m.patient_id = $8::int)
        ORDER BY m.owner_id DESC, m.assigned_at DESC, m.id DESC LIMIT $9::int + 1
      )
      UNION ALL
      (
        SELECT m.*
        FROM mappings m
        WHERE (SELECT doctor_id FROM caller) IS NOT NULL
          AND (m.current_doctor_id, m.assigned_at, m.id) < ((SELECT doctor_id FROM caller), $6::timestamptz, $7::bigint)
          AND m.current_doctor_id >= (SELECT doctor_id FROM caller)
          AND ($8::int IS NULL OR m.patient_id = $8::int)
        ORDER BY m.current_doctor_id DESC, m.assigned_at DESC, m.id DESC LIMIT $9::int + 1
      )
    ) merged
    ORDER BY assigned_at DESC, id DESC LIMIT $9::int + 1
  ) m
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $9::int),
page_json AS (
  SELECT page_position, (
    '{"id":' || m.id
    || ',"patient":' || (
      '{"id":' || p.id
      || ',"firstname":' || to_json(p.firstname)
      || ',"lastname":' || to_json(p.lastname)
      || ',"age":' || age_on(p.born_to, (SELECT today FROM caller))
      || ',"gender":"' || p.gender
      || '","created_by":' || p.created_by || '}'
    )
    || ',"doctor":' || (
      '{"id":' || d.id
      || ',"firstname":' || to_json(d.firstname)
      || ',"lastname":' || to_json(d.lastname)
      || ',"specialization":"' || d.specialization
      || '","max_appointments_per_day":' || d.max_appointments_per_day
      || ',"gender":"' || d.gender
      || '","active":' || d.active::text || '}'
    )
    || ',"assigned_at":"' || substr(to_json(m.assigned_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2,
      23) || 'Z'
    || '","role":"' || m.role || '","primary":' || m.is_primary::text
    || ',"ended_at":null,"ended_by":null,"version":' || m.version || '}'
  ) AS json
  FROM page m
    JOIN patients p ON p.id = m.patient_id JOIN doctors d ON d.id = m.doctor_id
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patients)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $10::uuid, $11::text,
      'list',
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        ELSE 'done' END,
      ARRAY(SELECT DISTINCT patient_id FROM page ORDER BY patient_id)
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, patients)
  WHERE NOT ($12::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, e.patients))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal,
  (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  (SELECT substr(to_json(m.assigned_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z'
    FROM page_and_next m WHERE page_position = $9::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $9::int)) AS key,
  (SELECT id::float8 FROM page_and_next m WHERE page_position = $9::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $9::int)) AS id,
  true AS "isAllowed"
FROM token_account;
