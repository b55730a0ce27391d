-- GET /api/changes: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 xact xid8, $7 at timestamp with time zone, $8 epoch text, $9 clinic integer, $10 doctor integer, $11 kind smallint, $12 id integer, $13 request_id uuid, $14 address text, $15 is_retry boolean
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
horizon AS MATERIALIZED (
  SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xact, change_feed_epoch() AS epoch
),
start AS MATERIALIZED (
  SELECT coalesce($6::xid8, horizon.xact) AS xact, coalesce($7::timestamptz, now()) AS at
  FROM caller, horizon
  WHERE $8::text IS NULL
    OR $8::text = horizon.epoch AND $6::xid8 <= horizon.xact
    AND $7::timestamptz > now() - make_interval(days => 90)
    AND $9::int = caller.clinic_id AND $10::int IS NOT DISTINCT FROM caller.doctor_id
),
page_and_next AS (
  SELECT xact, kind, id, version, row_number() OVER (ORDER BY xact, kind, id) AS page_position
  FROM (
    SELECT * FROM (
      (
        SELECT c.xact, c.kind, c.record_id AS id, c.version
        FROM record_changes c
        WHERE c.audience = 'account' AND c.audience_id = (SELECT clinic_id FROM caller)
          AND (c.xact, c.kind, c.record_id) > ((SELECT xact FROM start), $11::smallint, $12::int)
            AND c.xact < (SELECT xact FROM horizon)
        ORDER BY c.xact, c.kind, c.record_id LIMIT 501
      ) UNION ALL (
        SELECT c.xact, c.kind, c.record_id AS id, c.version
        FROM record_changes c
        WHERE c.audience = 'doctor' AND c.audience_id = (SELECT doctor_id FROM caller)
          AND (c.xact, c.kind, c.record_id) > ((SELECT xact FROM start), $11::smallint, $12::int)
            AND c.xact < (SELECT xact FROM horizon)
        ORDER BY c.xact, c.kind, c.record_id LIMIT 501
      ) UNION ALL (
        SELECT c.xact, c.kind, c.record_id AS id, c.version
        FROM record_changes c
        WHERE c.audience = 'everybody' AND c.audience_id = 0
          AND (c.xact, c.kind, c.record_id) > ((SELECT xact FROM start), $11::smallint, $12::int)
            AND c.xact < (SELECT xact FROM horizon)
        ORDER BY c.xact, c.kind, c.record_id LIMIT 501
      ) UNION ALL (
        SELECT c.xact, 1::smallint, m.patient_id, 1
        FROM mappings m JOIN LATERAL (
          SELECT c.xact FROM record_changes c
          WHERE c.kind = 1 AND c.record_id = m.patient_id AND c.xact >= (SELECT xact FROM start)
            AND c.xact < (SELECT xact FROM horizon)
          ORDER BY c.xact DESC LIMIT 1
        ) c ON true
        WHERE (SELECT doctor_id FROM caller) IS NOT NULL AND m.current_doctor_id = (SELECT doctor_id FROM caller)
          AND (c.xact, 1::smallint, m.patient_id) > ((SELECT xact FROM start), $11::smallint, $12::int)
        ORDER BY c.xact, m.patient_id LIMIT 501
      )
    ) changes
    ORDER BY xact, kind, id LIMIT 501
  ) changes
),
page AS (
  -- A record once, at the place of its last change.
  SELECT DISTINCT ON (kind, id) kind, id, version, page_position FROM page_and_next
  WHERE page_position <= 500 ORDER BY kind, id, page_position DESC
),
entries AS (
  SELECT c.kind, c.id, c.page_position, coalesce(v.current_version, c.version) AS version,
    CASE WHEN v.current_version IS NULL THEN concat(',"deleted":true', (
      SELECT ',"merged_into":' || p.id FROM patients p
      WHERE c.kind = 1::smallint AND p.id = (SELECT last_survivor(c.id)) AND EXISTS (
        SELECT FROM caller
        WHERE p.owner_id = caller.clinic_id
          OR p.owner_id IS NOT NULL AND EXISTS (
            SELECT FROM mappings m
            WHERE m.patient_id = p.id AND m.doctor_id = caller.doctor_id
          )
    ))) ELSE '' END AS deleted
  FROM page c CROSS JOIN LATERAL (
    SELECT CASE c.kind
        WHEN 1::smallint THEN (SELECT p.version FROM patients p WHERE p.id = c.id AND EXISTS (
          SELECT FROM caller
          WHERE p.owner_id = caller.clinic_id
            OR p.owner_id IS NOT NULL AND EXISTS (
              SELECT FROM mappings m
              WHERE m.patient_id = p.id AND m.doctor_id = caller.doctor_id
            )
        ))
        WHEN 2::smallint THEN (SELECT d.version FROM doctors d WHERE d.id = c.id)
        WHEN 3::smallint THEN (SELECT m.version FROM mappings m WHERE m.id = c.id AND EXISTS (
          SELECT FROM caller
          WHERE m.owner_id = caller.clinic_id
            OR m.current_doctor_id = caller.doctor_id
        ))
        ELSE (SELECT a.version FROM appointments a WHERE a.id = c.id AND EXISTS (
          SELECT FROM caller
          WHERE a.owner_id = caller.clinic_id
            OR a.owner_id IS NOT NULL AND a.doctor_id = caller.doctor_id
        ))
      END AS current_version OFFSET 0
  ) v
),
next AS (
  SELECT * FROM page_and_next
  WHERE page_position = 500 AND EXISTS (SELECT FROM page_and_next WHERE page_position > 500)
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patients)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $13::uuid, $14::text,
      'list_changes',
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN NOT EXISTS (SELECT FROM start) THEN 'refused' ELSE 'done' END,
      ARRAY(SELECT id FROM page WHERE kind = 1::smallint ORDER BY id)
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, patients)
  WHERE NOT ($15::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, e.patients))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal,
  (SELECT '[' || coalesce(string_agg('{"kind":"' || (ARRAY['patient', 'doctor', 'assignment',
    'appointment'])[kind] || '","id":' || id || ',"version":' || version || deleted || '}',
    ',' ORDER BY page_position),
    '') || ']'
    FROM entries) AS changes,
  (SELECT row_to_json(c)::text FROM (
    SELECT caller.id AS account, caller.clinic_id AS clinic, caller.doctor_id AS doctor, horizon.epoch,
      coalesce(next.kind, 0) AS kind, coalesce(next.id, 0) AS id, coalesce(next.xact, horizon.xact) AS xact,
      CASE WHEN next.id IS NULL AND horizon.xact > start.xact THEN now() ELSE start.at END AS at, false AS initial
    FROM caller CROSS JOIN horizon CROSS JOIN start LEFT JOIN next ON true
  ) c) AS next
FROM token_account;
