-- GET /api/audit: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 account integer, $7 after_key timestamp with time zone, $8 after_id bigint, $9 from timestamp with time zone, $10 patient integer, $11 action text, $12 outcome text, $13 size integer, $14 request_id uuid, $15 address text, $16 is_retry boolean
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
  SELECT e.*, row_number() OVER (ORDER BY at DESC, id DESC) AS page_position
  FROM (
    SELECT e.*
    FROM audit_events e
    WHERE (e.account_id, e.at, e.id) < ($6::int, $7::timestamptz, $8::bigint)
      AND (e.account_id, e.at) >= ($6::int, coalesce($9::timestamptz, '-infinity'))
      AND ($10::int IS NULL OR e.patient_id = $10::int OR e.patients @> ARRAY[$10::int])
      AND ($11::text IS NULL OR e.action = $11::text)
      AND ($12::text IS NULL OR e.outcome = $12::text)
      AND EXISTS (
        SELECT FROM caller
        WHERE caller.role = 'admin'
          OR caller.role = 'auditor'
      )
    ORDER BY e.account_id DESC, e.at DESC, e.id DESC LIMIT $13::int + 1
  ) e
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $13::int),
page_json AS (
  SELECT page_position, ('{' || concat_ws(',',
    left(substr((SELECT row_to_json(o) FROM (SELECT e.id,
        substr(to_json(e.at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS at,
        CASE WHEN e.account_id IS NOT NULL
          THEN (SELECT row_to_json(o) FROM (SELECT e.account_id AS id, e.username, e.role) o) END AS account,
        e.action) o)::text, 2), -1),
    CASE
      WHEN e.subject_id IS NOT NULL THEN concat_ws(',', '"subject":' || e.subject_id,
        '"patients":' || array_to_json(e.patients))
      WHEN e.patient_id IS NOT NULL THEN '"patients":[' || e.patient_id || ']'
      WHEN e.doctor_id IS NOT NULL THEN concat_ws(',', '"doctor":' || e.doctor_id,
        '"patients":' || array_to_json(e.patients))
      ELSE '"patients":' || array_to_json(coalesce(e.patients, '{}')) END,
    left(substr((SELECT row_to_json(o) FROM (SELECT e.outcome, e.address, e.request_id) o)::text, 2), -1),
    CASE
      WHEN (e.subject_id IS NOT NULL OR e.doctor_id IS NOT NULL AND e.patient_id IS NULL
        OR e.action IN ('invite', 'withdraw_invitation', 'create_clinic', 'update_clinic', 'delete_clinic',
          'read_clinic', 'list_members',
          'add_member', 'update_member', 'end_member')) THEN '"changes":' || e.changes::text
      ELSE '"changed_fields":[' || (
        SELECT string_agg(to_json(key)::text, ',' ORDER BY n)
        FROM json_object_keys(e.changes) WITH ORDINALITY fields (key, n)
      ) || ']' END, '"clinic":' || e.clinic_id, '"reason":' || to_json(e.reason)::text) || '}') AS json
  FROM page e
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patients)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $14::uuid, $15::text,
      'audit',
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN NOT EXISTS (
          SELECT FROM caller
          WHERE caller.role = 'admin'
            OR caller.role = 'auditor'
        ) THEN 'refused'
        ELSE 'done' END,
      ARRAY(
        SELECT patient_id FROM page WHERE changes IS NOT NULL AND patient_id IS NOT NULL
        UNION SELECT patient FROM page, unnest(patients) patient WHERE changes IS NOT NULL AND subject_id IS NULL
        UNION SELECT $10::int WHERE $10::int IS NOT NULL ORDER BY 1)
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, patients)
  WHERE NOT ($16::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, e.patients))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal,
  (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  (SELECT substr(to_json(e.at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' FROM page_and_next e
    WHERE page_position = $13::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $13::int)) AS key,
  (SELECT id::float8 FROM page_and_next e WHERE page_position = $13::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $13::int)) AS id,
  EXISTS (
    SELECT FROM caller
    WHERE caller.role = 'admin'
      OR caller.role = 'auditor'
  ) AS "isAllowed"
FROM token_account;
