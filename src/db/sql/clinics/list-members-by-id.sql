-- GET /api/clinics/:id/members: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 id integer, $7 after_id bigint, $8 size integer, $9 request_id uuid, $10 address text, $11 is_retry boolean
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
  SELECT ms.*, row_number() OVER (ORDER BY id) AS page_position
  FROM (
    SELECT ms.*
    FROM (SELECT clinic_id, account_id AS id, role, created_at, ended_at FROM memberships) ms
    WHERE ms.ended_at IS NULL
      AND (ms.clinic_id, ms.id) > ($6::int, $7::bigint)
      AND ms.clinic_id <= $6::int
      AND EXISTS (SELECT FROM clinics c WHERE c.id = $6::int AND (EXISTS (SELECT FROM caller WHERE role = 'admin') OR (
        SELECT ms.role FROM memberships ms
          WHERE ms.clinic_id = c.id AND ms.account_id = (SELECT id FROM caller) AND ms.ended_at IS NULL
      ) IS NOT NULL))
    ORDER BY ms.clinic_id, ms.id LIMIT $8::int + 1
  ) ms
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $8::int),
page_json AS (
  SELECT page_position,
    (SELECT row_to_json(o)
      FROM (SELECT ms.id AS account, u.username, ms.role,
        substr(to_json(ms.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2,
          23) || 'Z' AS created_at) o)::text AS json
  FROM page ms
    JOIN users u ON u.id = ms.id
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    changes)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $9::uuid, $10::text,
      'list_members',
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN EXISTS (SELECT FROM clinics c
          WHERE c.id = $6::int AND (EXISTS (SELECT FROM caller WHERE role = 'admin') OR (
          SELECT ms.role FROM memberships ms
            WHERE ms.clinic_id = c.id AND ms.account_id = (SELECT id FROM caller) AND ms.ended_at IS NULL
        ) IS NOT NULL)) THEN 'done'
        ELSE 'not_found' END,
      (
        SELECT concat('{"clinic":{"before":', coalesce($6::int::text, 'null'), ',"after":',
          coalesce($6::int::text, 'null'), '}',
          coalesce(',' || substr((NULL::json)::text, 2), '}'))::json
        FROM caller
      )
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, changes)
  WHERE NOT ($11::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, NULL))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal,
  (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  NULL::text AS key,
  (SELECT id::float8 FROM page_and_next ms WHERE page_position = $8::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $8::int)) AS id,
  EXISTS (SELECT FROM clinics c WHERE c.id = $6::int AND (EXISTS (SELECT FROM caller WHERE role = 'admin') OR (
    SELECT ms.role FROM memberships ms
      WHERE ms.clinic_id = c.id AND ms.account_id = (SELECT id FROM caller) AND ms.ended_at IS NULL
  ) IS NOT NULL)) AS "isAllowed"
FROM token_account;
