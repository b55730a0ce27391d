-- GET /api/audit: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 patient integer, $5 after_key timestamp with time zone, $6 after_id bigint, $7 from timestamp with time zone, $8 account integer, $9 action text, $10 outcome text, $11 size integer, $12 request_id uuid, $13 address text, $14 is_retry boolean
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
  SELECT e.*, row_number() OVER (ORDER BY at DESC, id DESC) AS page_position
  FROM (
    SELECT DISTINCT ON (at, id) * FROM (
      (
        SELECT e.*
        FROM audit_events e
        WHERE e.patient_id IS NOT NULL
          AND (e.patient_id, e.at, e.id) < ($4::int, $5::timestamptz, $6::bigint)
          AND (e.patient_id, e.at) >= ($4::int, coalesce($7::timestamptz, '-infinity'))
          AND ($8::int IS NULL OR e.account_id = $8::int)
          AND ($9::text IS NULL OR e.action = $9::text)
          AND ($10::text IS NULL OR e.outcome = $10::text)
          AND (
            EXISTS (SELECT FROM caller WHERE role = 'admin')
            OR EXISTS (SELECT FROM caller WHERE role = 'auditor')
          )
        ORDER BY e.patient_id DESC, e.at DESC, e.id DESC LIMIT $11::int + 1
      )
      UNION ALL
      (
        SELECT e.*
        FROM (
          SELECT e.* FROM audit_events e
          WHERE e.patients && ($4::int || merged_patients($4::int))
          OFFSET 0
        ) e
        WHERE (e.at, e.id) < ($5::timestamptz, $6::bigint)
          AND e.at >= coalesce($7::timestamptz, '-infinity')
          AND ($8::int IS NULL OR e.account_id = $8::int)
          AND ($9::text IS NULL OR e.action = $9::text)
          AND ($10::text IS NULL OR e.outcome = $10::text)
          AND (
            EXISTS (SELECT FROM caller WHERE role = 'admin')
            OR EXISTS (SELECT FROM caller WHERE role = 'auditor')
          )
        ORDER BY e.at DESC, e.id DESC LIMIT $11::int + 1
      )
      UNION ALL
      (
        SELECT e.*
        FROM (
          SELECT e.* FROM unnest(merged_patients($4::int)) merged (id), LATERAL (
            SELECT e.* FROM audit_events e
            WHERE e.patient_id IS NOT NULL
              AND (e.patient_id, e.at, e.id) < (merged.id, $5::timestamptz, $6::bigint)
              AND e.patient_id >= merged.id
            ORDER BY e.patient_id DESC, e.at DESC, e.id DESC LIMIT $11::int + 1
          ) e
          OFFSET 0
        ) e
        WHERE (e.at, e.id) < ($5::timestamptz, $6::bigint)
          AND e.at >= coalesce($7::timestamptz, '-infinity')
          AND ($8::int IS NULL OR e.account_id = $8::int)
          AND ($9::text IS NULL OR e.action = $9::text)
          AND ($10::text IS NULL OR e.outcome = $10::text)
          AND (
            EXISTS (SELECT FROM caller WHERE role = 'admin')
            OR EXISTS (SELECT FROM caller WHERE role = 'auditor')
          )
        ORDER BY e.at DESC, e.id DESC LIMIT $11::int + 1
      )
    ) merged
    ORDER BY at DESC, id DESC LIMIT $11::int + 1
  ) e
),
page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= $11::int),
page_json AS (
  SELECT page_position, ('{' || concat_ws(',',
    left(substr((SELECT row_to_json(o) FROM (SELECT e.id,
        substr(to_json(e.at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS at,
        CASE WHEN e.account_id IS NOT NULL THEN (SELECT row_to_json(o) FROM (SELECT e.account_id AS id, e.username, e.role) o) END AS account,
        e.action) o)::text, 2), -1),
    CASE
      WHEN e.subject_id IS NOT NULL THEN concat_ws(',', '"subject":' || e.subject_id,
        '"patients":' || array_to_json(e.patients))
      WHEN e.doctor_id IS NOT NULL THEN '"doctor":' || e.doctor_id
      WHEN e.patient_id IS NOT NULL THEN '"patients":[' || e.patient_id || ']'
      ELSE '"patients":' || array_to_json(coalesce(e.patients, '{}')) END,
    left(substr((SELECT row_to_json(o) FROM (SELECT e.outcome, e.address, e.request_id) o)::text, 2), -1),
    CASE
      WHEN (e.subject_id IS NOT NULL OR e.doctor_id IS NOT NULL
        OR e.action IN ('invite', 'withdraw_invitation')) THEN '"changes":' || e.changes::text
      ELSE '"changed_fields":[' || (
        SELECT string_agg(to_json(key)::text, ',' ORDER BY n)
        FROM json_object_keys(e.changes) WITH ORDINALITY fields (key, n)
      ) || ']' END, '"reason":' || to_json(e.reason)::text) || '}') AS json
  FROM page e
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, patients)
  SELECT e.* FROM (
    SELECT id, username, role, $2::uuid, $12::uuid, $13::text,
      'audit',
      CASE WHEN NOT is_accepted THEN 'refused'
        WHEN NOT (
          EXISTS (SELECT FROM caller WHERE role = 'admin')
          OR EXISTS (SELECT FROM caller WHERE role = 'auditor')
        ) THEN 'refused'
        ELSE 'done' END,
      ARRAY(
        SELECT patient_id FROM page WHERE changes IS NOT NULL AND patient_id IS NOT NULL
        UNION SELECT patient FROM page, unnest(patients) patient WHERE changes IS NOT NULL AND subject_id IS NULL
        UNION SELECT $4::int WHERE $4::int IS NOT NULL ORDER BY 1)
    FROM token_account
  ) e (account_id, username, role, session_id, request_id, address, action, outcome, patients)
  WHERE NOT ($14::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, e.patients))
)
SELECT (SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json) AS body,
  (SELECT substr(to_json(e.at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' FROM page_and_next e WHERE page_position = $11::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $11::int)) AS key,
  (SELECT id::float8 FROM page_and_next e WHERE page_position = $11::int AND EXISTS (
    SELECT FROM page_and_next WHERE page_position > $11::int)) AS id,
  (
    EXISTS (SELECT FROM caller WHERE role = 'admin')
    OR EXISTS (SELECT FROM caller WHERE role = 'auditor')
  ) AS "isAllowed"
FROM caller;
