-- GET /api/clinics: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 after_id bigint, $7 size integer, $8 default_time_zone text, $9 request_id uuid, $10 address text, $11 is_retry boolean
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
  SELECT c.*, row_number() OVER (ORDER BY id DESC) AS page_position
  FROM (
    SELECT DISTINCT ON (id) * FROM (
      (
        SELECT c.*
        FROM memberships ms JOIN LATERAL (SELECT * FROM clinics WHERE id = ms.clinic_id OFFSET 0) c ON true
        WHERE ms.ended_at IS NULL AND NOT EXISTS (SELECT FROM caller WHERE role = 'admin')
          AND (ms.account_id, ms.clinic_id) < ((SELECT id FROM caller), $6::bigint)
          AND ms.account_id >= (SELECT id FROM caller)
        ORDER BY ms.account_id DESC, ms.clinic_id DESC LIMIT $7::int + 1
      )
      UNION ALL
      (
        SELECT c.*
        FROM clinics c
        WHERE EXISTS (SELECT FROM caller WHERE role = 'admin')
          AND c.id < $6::bigint
        ORDER BY c.id DESC LIMIT $7::int + 1
      )
    ) merged
    ORDER BY id DESC LIMIT $7::int + 1
  ) c
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $7::int),
page_json AS (
  SELECT page_position, (SELECT row_to_json(o) FROM (SELECT c.id, c.name, c.kind,
      coalesce(nullif(c.time_zone, ''), $8::text) AS time_zone, c.active, (
        SELECT ms.role FROM memberships ms
          WHERE ms.clinic_id = c.id AND ms.account_id = (SELECT id FROM caller) AND ms.ended_at IS NULL
      ) AS role,
      substr(to_json(c.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS created_at,
        substr(to_json(c.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2,
          23) || 'Z' AS updated_at) o)::text AS json
  FROM page c
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $9::uuid, $10::text,
      'list_clinics',
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        ELSE 'done' END
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome)
  WHERE NOT ($11::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, NULL))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal,
  (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  NULL::text AS key,
  (SELECT id::float8 FROM page_and_next c WHERE page_position = $7::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $7::int)) AS id,
  true AS "isAllowed"
FROM token_account;
