-- GET /api/doctors/:id/absences: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 id integer, $7 after_key timestamp with time zone, $8 after_id bigint, $9 size integer
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
  SELECT b.*, row_number() OVER (ORDER BY starts_at, id) AS page_position
  FROM (
    SELECT b.*
    FROM absences b
    WHERE (b.doctor_id, b.starts_at, b.id) > ($6::int, $7::timestamptz, $8::bigint)
      AND b.doctor_id <= $6::int
      AND EXISTS (SELECT FROM doctors d WHERE d.id = $6::int AND EXISTS (SELECT FROM caller WHERE true))
    ORDER BY b.doctor_id, b.starts_at, b.id LIMIT $9::int + 1
  ) b
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $9::int),
page_json AS (
  SELECT page_position,
    (SELECT row_to_json(o)
      FROM (SELECT b.id, b.doctor_id AS doctor,
        substr(to_json(b.starts_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS starts_at,
      substr(to_json(b.ends_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS ends_at,
        b.created_by,
        substr(to_json(b.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2,
          23) || 'Z' AS created_at) o)::text AS json
  FROM page b
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal,
  (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  (SELECT substr(to_json(b.starts_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z'
    FROM page_and_next b WHERE page_position = $9::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $9::int)) AS key,
  (SELECT id::float8 FROM page_and_next b WHERE page_position = $9::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $9::int)) AS id,
  EXISTS (SELECT FROM doctors d WHERE d.id = $6::int AND EXISTS (SELECT FROM caller WHERE true)) AS "isAllowed"
FROM token_account;
