-- GET /api/identifier-systems: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 after_id bigint, $5 size integer
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
  SELECT sy.*, row_number() OVER (ORDER BY id) AS page_position
  FROM (
    SELECT sy.*
    FROM identifier_systems sy
    WHERE sy.id > $4::bigint
    ORDER BY sy.id LIMIT $5::int + 1
  ) sy
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $5::int),
page_json AS (
  SELECT page_position, concat(
    '{"id":', sy.id, ',"name":', to_json(sy.name), ',"uri":', coalesce(to_json(sy.uri)::text, 'null'),
    ',"pattern":', coalesce(to_json(sy.pattern)::text, 'null'), ',"check_digit":"', sy.check_digit, '"', ',"created_by":', sy.created_by,
    ',"created_at":"', substr(to_json(sy.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z', '"',
    ',"updated_at":"', substr(to_json(sy.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z', '"', ',"version":', sy.version, '}'
  ) AS json
  FROM page sy
)
SELECT (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  NULL::text AS key,
  (SELECT id::float8 FROM page_and_next sy WHERE page_position = $5::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $5::int)) AS id,
  true AS "isAllowed"
FROM caller;
