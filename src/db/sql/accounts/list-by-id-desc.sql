-- GET /api/accounts: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 after_id bigint, $5 role text, $6 active boolean, $7 search text, $8 size integer, $9 request_id uuid, $10 address text, $11 is_retry boolean
WITH token_account AS (
  SELECT u.id, u.username, u.role, u.doctor_id,
    NOT u.must_change_password AND u.active AND u.token_version = $1::int AND EXISTS (
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
  SELECT u.*, row_number() OVER (ORDER BY id DESC) AS page_position
  FROM (
    SELECT u.*
    FROM users u
    WHERE u.id < $4::bigint
      AND ($5::text IS NULL OR u.role = $5::text)
      AND ($6::boolean IS NULL OR u.active = $6::boolean)
      AND ($7::text IS NULL OR starts_with(lower(u.username), lower($7::text)) OR starts_with(email_key(u.email) COLLATE "C", email_key($7::text) COLLATE "C"))
      AND (
        EXISTS (SELECT FROM caller WHERE role = 'admin')
        OR EXISTS (SELECT FROM caller WHERE role = 'auditor')
      )
    ORDER BY u.id DESC LIMIT $8::int + 1
  ) u
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $8::int),
page_json AS (
  SELECT page_position, (SELECT row_to_json(o) FROM (SELECT u.id, u.username, u.email, u.role, u.active, u.doctor_id AS doctor,
      substr(to_json(u.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS created_at) o)::text AS json
  FROM page u
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome)
  SELECT e.* FROM (
    SELECT id, username, role, $2::uuid, $9::uuid, $10::text,
      'list_accounts',
      CASE WHEN NOT is_accepted THEN 'refused'
        WHEN NOT (
          EXISTS (SELECT FROM caller WHERE role = 'admin')
          OR EXISTS (SELECT FROM caller WHERE role = 'auditor')
        ) THEN 'refused'
        ELSE 'done' END
    FROM token_account
  ) e (account_id, username, role, session_id, request_id, address, action, outcome)
  WHERE NOT ($11::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, NULL))
)
SELECT (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  NULL::text AS key,
  (SELECT id::float8 FROM page_and_next u WHERE page_position = $8::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $8::int)) AS id,
  (
    EXISTS (SELECT FROM caller WHERE role = 'admin')
    OR EXISTS (SELECT FROM caller WHERE role = 'auditor')
  ) AS "isAllowed"
FROM caller;
