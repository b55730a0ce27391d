-- GET /api/accounts: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 after_id bigint, $7 role text, $8 active boolean, $9 search text, $10 size integer, $11 request_id uuid, $12 address text, $13 is_retry boolean
WITH token_account AS (
  SELECT u.id, u.username, u.role, u.doctor_id, $1::int AS clinic_id, ms.role AS clinic_role,
    coalesce((now() AT TIME ZONE nullif(ms.time_zone, ''))::date, $2::date) AS today,
    CASE WHEN u.must_change_password OR NOT (u.active AND u.token_version = $3::int) OR s.id IS NULL
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
  SELECT u.*, row_number() OVER (ORDER BY id DESC) AS page_position
  FROM (
    SELECT u.*
    FROM users u
    WHERE u.id < $6::bigint
      AND ($7::text IS NULL OR u.role = $7::text)
      AND ($8::boolean IS NULL OR u.active = $8::boolean)
      AND ($9::text IS NULL OR starts_with(lower(u.username COLLATE "C"), lower($9::text COLLATE "C"))
        OR starts_with(email_key(u.email) COLLATE "C", email_key($9::text) COLLATE "C"))
      AND EXISTS (
        SELECT FROM caller
        WHERE caller.role = 'admin'
          OR caller.role = 'auditor'
      )
    ORDER BY u.id DESC LIMIT $10::int + 1
  ) u
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $10::int),
page_json AS (
  SELECT page_position,
    (SELECT row_to_json(o) FROM (SELECT u.id, u.username, u.email, u.role, u.active, u.doctor_id AS doctor,
      substr(to_json(u.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2,
        23) || 'Z' AS created_at) o)::text AS json
  FROM page u
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $11::uuid, $12::text,
      'list_accounts',
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN NOT EXISTS (
          SELECT FROM caller
          WHERE caller.role = 'admin'
            OR caller.role = 'auditor'
        ) THEN 'refused'
        ELSE 'done' END
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome)
  WHERE NOT ($13::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, NULL))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal,
  (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  NULL::text AS key,
  (SELECT id::float8 FROM page_and_next u WHERE page_position = $10::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $10::int)) AS id,
  EXISTS (
    SELECT FROM caller
    WHERE caller.role = 'admin'
      OR caller.role = 'auditor'
  ) AS "isAllowed"
FROM token_account;
