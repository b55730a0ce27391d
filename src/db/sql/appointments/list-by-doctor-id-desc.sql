-- GET /api/appointments: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 doctor integer, $7 after_id bigint, $8 patient integer, $9 status text, $10 from timestamp with time zone, $11 to timestamp with time zone, $12 size integer, $13 request_id uuid, $14 address text, $15 is_retry boolean
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
  SELECT a.*, row_number() OVER (ORDER BY id DESC) AS page_position
  FROM (
    SELECT DISTINCT ON (id) * FROM (
      (
        SELECT a.*
        FROM appointments a
        WHERE (SELECT doctor_id FROM caller) IS DISTINCT FROM $6::int
          AND (a.doctor_id, a.owner_id, a.id) < ($6::int, (SELECT clinic_id FROM caller), $7::bigint)
          AND (a.doctor_id, a.owner_id) >= ($6::int, (SELECT clinic_id FROM caller))
          AND ($8::int IS NULL OR a.patient_id = $8::int)
          AND ($9::text IS NULL OR a.status = $9::text)
          AND ($10::timestamptz IS NULL OR a.starts_at >= $10::timestamptz)
          AND ($11::timestamptz IS NULL OR a.starts_at < $11::timestamptz)
        ORDER BY a.doctor_id DESC, a.owner_id DESC, a.id DESC LIMIT $12::int + 1
      )
      UNION ALL
      (
        SELECT a.*
        FROM appointments a
        WHERE (SELECT doctor_id FROM caller) IS NOT DISTINCT FROM $6::int AND a.owner_id IS NOT NULL
          AND (a.doctor_id, a.id) < ($6::int, $7::bigint)
          AND a.doctor_id >= $6::int
          AND ($8::int IS NULL OR a.patient_id = $8::int)
          AND ($9::text IS NULL OR a.status = $9::text)
          AND ($10::timestamptz IS NULL OR a.starts_at >= $10::timestamptz)
          AND ($11::timestamptz IS NULL OR a.starts_at < $11::timestamptz)
        ORDER BY a.doctor_id DESC, a.id DESC LIMIT $12::int + 1
      )
    ) merged
    ORDER BY id DESC LIMIT $12::int + 1
  ) a
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $12::int),
page_json AS (
  SELECT page_position, (
    '{"id":' || a.id
    || ',"patient":' || a.patient_id
    || ',"doctor":' || a.doctor_id
    || ',"starts_at":"' || substr(to_json(a.starts_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
    || 'Z","ends_at":"' || substr(to_json(a.ends_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
    || 'Z","day":' || to_json(a.day)
    || ',"time_zone":' || to_json(a.time_zone)
    || ',"status":"' || a.status
    || '","note":' || coalesce(to_json(a.note)::text, 'null')
    || ',"cancel_reason":' || coalesce(to_json(a.cancel_reason)::text, 'null')
    || ',"override_reason":' || coalesce(to_json(a.override_reason)::text, 'null')
    || ',"created_by":' || a.created_by
    || ',"created_at":"' || substr(to_json(a.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
    || 'Z","updated_at":"' || substr(to_json(a.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
    || 'Z","version":' || a.version || '}'
  ) AS json
  FROM page a
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patients)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $13::uuid, $14::text,
      'list',
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        ELSE 'done' END,
      ARRAY(SELECT DISTINCT patient_id FROM page ORDER BY patient_id)
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, patients)
  WHERE NOT ($15::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, e.patients))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal,
  (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  NULL::text AS key,
  (SELECT id::float8 FROM page_and_next a WHERE page_position = $12::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $12::int)) AS id,
  true AS "isAllowed"
FROM token_account;
