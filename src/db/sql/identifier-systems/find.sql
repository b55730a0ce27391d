-- GET /api/identifier-systems/:id: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 expected integer[], $5 known text[], $6 id integer
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
found AS (
  SELECT sy.version::text AS etag,
    coalesce(sy.version = ANY ($4::int[]), $4::int[] IS NULL) AS is_expected_version,
    CASE WHEN ARRAY[sy.version::text, sy.version::text] && $5::text[] THEN NULL
      WHEN coalesce(sy.version = ANY ($4::int[]), $4::int[] IS NULL) THEN concat(
        '{"id":', sy.id, ',"name":', to_json(sy.name), ',"uri":', coalesce(to_json(sy.uri)::text, 'null'),
        ',"pattern":', coalesce(to_json(sy.pattern)::text, 'null'), ',"check_digit":"', sy.check_digit, '"', ',"created_by":', sy.created_by,
        ',"created_at":"', substr(to_json(sy.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z', '"',
        ',"updated_at":"', substr(to_json(sy.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z', '"', ',"version":', sy.version, '}'
      ) END AS body
  FROM identifier_systems sy WHERE sy.id = $6::int AND (true)
)
SELECT (SELECT etag FROM found) AS etag,
  (SELECT is_expected_version FROM found) AS "isExpectedVersion",
  (SELECT body FROM found) AS body
FROM caller;
