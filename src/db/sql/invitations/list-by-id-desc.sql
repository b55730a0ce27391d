-- GET /api/invitations: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 after_id bigint, $5 size integer, $6 request_id uuid, $7 address text, $8 is_retry boolean
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
  SELECT i.*, row_number() OVER (ORDER BY id DESC) AS page_position
  FROM (
    SELECT i.*
    FROM invitations i
    WHERE i.expires_at > now()
      AND (i.created_by IS NULL OR (SELECT u.active AND u.role = 'admin' FROM users u WHERE u.id = i.created_by))
      AND i.id < $4::bigint
      AND (EXISTS (SELECT FROM caller WHERE role = 'admin'))
    ORDER BY i.id DESC LIMIT $5::int + 1
  ) i
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $5::int),
page_json AS (
  SELECT page_position, (SELECT row_to_json(o) FROM (SELECT i.id, i.email, i.role, i.created_by,
      substr(to_json(i.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS created_at,
      substr(to_json(i.expires_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS expires_at) o)::text AS json
  FROM page i
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome)
  SELECT e.* FROM (
    SELECT id, username, role, $2::uuid, $6::uuid, $7::text,
      'list_invitations',
      CASE WHEN NOT is_accepted THEN 'refused'
        WHEN NOT EXISTS (SELECT FROM caller WHERE role = 'admin') THEN 'refused'
        ELSE 'done' END
    FROM token_account
  ) e (account_id, username, role, session_id, request_id, address, action, outcome)
  WHERE NOT ($8::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, NULL))
)
SELECT (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  NULL::text AS key,
  (SELECT id::float8 FROM page_and_next i WHERE page_position = $5::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $5::int)) AS id,
  (EXISTS (SELECT FROM caller WHERE role = 'admin')) AS "isAllowed"
FROM caller;
