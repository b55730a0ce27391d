-- GET /api/calendar-feeds: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 after_id bigint, $7 size integer
WITH token_account AS (
  SELECT u.id, u.username, u.role, u.doctor_id, $1::int AS clinic_id, ms.role AS clinic_role,
    coalesce((now() AT TIME ZONE nullif(ms.time_zone, ''))::date, $2::date) AS today,
    CASE WHEN NOT (NOT u.must_change_password AND u.role <> 'auditor' AND u.active AND u.token_version = $3::int) OR s.id IS NULL THEN 'token_revoked'
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
  SELECT cf.*, row_number() OVER (ORDER BY id) AS page_position
  FROM (
    SELECT cf.*
    FROM calendar_feeds cf
    WHERE cf.ended_at IS NULL AND EXISTS (
      SELECT FROM users u JOIN memberships ms ON ms.account_id = u.id AND ms.clinic_id = cf.clinic_id
      WHERE u.id = cf.account_id AND u.active AND NOT u.must_change_password AND u.role <> 'auditor'
        AND (cf.doctor_id IS NULL OR cf.doctor_id = u.doctor_id)
        AND ms.ended_at IS NULL AND ms.clinic_active AND ms.created_at <= cf.created_at
    )
      AND (cf.account_id, cf.id) > ((SELECT id FROM caller), $6::bigint)
      AND cf.account_id <= (SELECT id FROM caller)
    ORDER BY cf.account_id, cf.id LIMIT $7::int + 1
  ) cf
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $7::int),
page_json AS (
  SELECT page_position, (SELECT row_to_json(o) FROM (SELECT cf.id, cf.label, cf.doctor_id AS doctor, cf.clinic_id AS clinic,
      substr(to_json(cf.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS created_at, substr(to_json(cf.last_used_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS last_used_at) o)::text AS json
  FROM page cf
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal, (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  NULL::text AS key,
  (SELECT id::float8 FROM page_and_next cf WHERE page_position = $7::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $7::int)) AS id,
  true AS "isAllowed"
FROM token_account;
