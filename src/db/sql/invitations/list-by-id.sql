-- GET /api/invitations: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 after_id bigint, $7 size integer, $8 request_id uuid, $9 address text, $10 is_retry boolean
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
  SELECT i.*, row_number() OVER (ORDER BY id) AS page_position
  FROM (
    SELECT i.*
    FROM invitations i
    WHERE i.expires_at > now()
      AND (i.created_by IS NULL OR (SELECT u.active AND u.role = 'admin' FROM users u WHERE u.id = i.created_by)
        OR i.role = 'clinician' AND (
          SELECT ms.role = 'manager' AND ms.ended_at IS NULL AND u.active AND u.role <> 'auditor'
          FROM memberships ms JOIN users u ON u.id = ms.account_id
          WHERE ms.clinic_id = i.clinic_id AND ms.account_id = i.created_by
      ))
      AND i.id > $6::bigint
      AND EXISTS (SELECT FROM caller WHERE caller.role = 'admin')
    ORDER BY i.id LIMIT $7::int + 1
  ) i
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $7::int),
page_json AS (
  SELECT page_position,
    (SELECT row_to_json(o) FROM (SELECT i.id, i.email, i.role, i.clinic_id AS clinic, i.clinic_role, i.created_by,
      substr(to_json(i.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS created_at,
        substr(to_json(i.expires_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2,
          23) || 'Z' AS expires_at) o)::text AS json
  FROM page i
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $8::uuid, $9::text,
      'list_invitations',
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN NOT EXISTS (SELECT FROM caller WHERE role = 'admin') THEN 'refused'
        ELSE 'done' END
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome)
  WHERE NOT ($10::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, NULL))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal,
  (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  NULL::text AS key,
  (SELECT id::float8 FROM page_and_next i WHERE page_position = $7::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $7::int)) AS id,
  EXISTS (SELECT FROM caller WHERE caller.role = 'admin') AS "isAllowed"
FROM token_account;
