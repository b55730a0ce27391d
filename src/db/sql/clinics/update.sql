-- PATCH /api/clinics/:id: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 id integer, $7 time_zone text, $8 name text, $9 active boolean, $10 default_time_zone text, $11 request_id uuid, $12 address text
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
visible AS (SELECT
  WHERE EXISTS (SELECT FROM clinics c WHERE c.id = $6::int AND (EXISTS (SELECT FROM caller WHERE role = 'admin') OR (
  SELECT ms.role FROM memberships ms
    WHERE ms.clinic_id = c.id AND ms.account_id = (SELECT id FROM caller) AND ms.ended_at IS NULL
) IS NOT NULL))),
locked_accounts AS (
  SELECT u.id, u.username, u.active AND u.role <> 'auditor' AS can_work FROM users u
  WHERE u.id = ANY (ARRAY[(SELECT id FROM caller)]) AND EXISTS (SELECT FROM visible)
  ORDER BY u.id
  FOR SHARE
),
locked_sessions AS (
  SELECT s.id, s.clinic_id FROM sessions s
  WHERE s.id = $4::uuid AND (SELECT count(*) FROM locked_accounts) >= 0 AND EXISTS (SELECT FROM visible)
  ORDER BY s.id
  FOR SHARE
),
locked_members AS (
  SELECT ms.* FROM memberships ms
  WHERE (SELECT count(*) FROM locked_sessions) >= 0 AND EXISTS (SELECT FROM visible)
    AND ms.clinic_id = ANY (ARRAY[$6::int, (SELECT clinic_id FROM caller)])
      AND (ms.clinic_id = $6::int OR ms.account_id = (SELECT id FROM caller))
  ORDER BY ms.clinic_id, ms.account_id
  FOR UPDATE
),
target AS (
  SELECT c.* FROM clinics c
  WHERE c.id = $6::int AND (SELECT count(*) FROM locked_members) > 0
  FOR UPDATE
),
locked_caller AS (
  SELECT CASE WHEN NOT (u.active AND u.token_version = $3::int)
    OR NOT (s.id = $4::uuid AND s.user_id = u.id AND s.password_version = u.password_version
    AND s.ended_at IS NULL AND s.expires_at > now())
      THEN 'token_revoked'
      WHEN s.clinic_id <> $1::int THEN 'clinic_changed'
      WHEN ms.ended_at IS NOT NULL THEN 'membership_ended'
      WHEN NOT ms.clinic_active THEN 'token_revoked'
    END AS refusal
  FROM (SELECT count(*) FROM (
    SELECT FROM locked_members UNION ALL SELECT FROM target
  ) steps HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
access AS (
  SELECT target.id, target.kind, own.role,
    EXISTS (SELECT FROM caller WHERE role = 'admin') OR coalesce(own.role = 'manager', false) AS can_manage
  FROM target LEFT JOIN locked_members own
    ON own.clinic_id = target.id AND own.account_id = (SELECT id FROM caller) AND own.ended_at IS NULL
  WHERE EXISTS (SELECT FROM caller_recheck)
    AND (EXISTS (SELECT FROM caller WHERE role = 'admin') OR own.role IS NOT NULL)
),
zone AS (SELECT ($7::text IS NULL OR lower($7::text COLLATE "C") NOT IN ('cet', 'eet', 'met', 'wet')
  AND EXISTS (SELECT FROM pg_timezone_names z
    WHERE lower(z.name COLLATE "C") = lower($7::text COLLATE "C"))) AS is_known
    FROM access WHERE can_manage),
changed AS (
  UPDATE clinics c SET name = coalesce($8::text, target.name), active = coalesce($9::boolean, target.active),
    time_zone = CASE WHEN target.time_zone = '' AND $7::text = $10::text THEN ''
      ELSE coalesce($7::text, target.time_zone) END,
    updated_at = now()
  FROM target, zone
  WHERE c.id = target.id AND EXISTS (SELECT FROM access WHERE can_manage) AND is_known
    AND NOT EXISTS (SELECT FROM access WHERE kind = 'personal' AND NOT $9::boolean)
    AND EXISTS (SELECT FROM caller_recheck)
  RETURNING c.*
),
response AS (SELECT c.id, c.name, c.kind,
    coalesce(nullif(c.time_zone, ''), $10::text) AS time_zone, c.active, (SELECT role FROM access) AS role,
    substr(to_json(c.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS created_at,
      substr(to_json(c.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS updated_at
      FROM changed c),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    changes)
  SELECT id, username, role, $4::uuid, clinic_id, $11::uuid, $12::text,
    'update_clinic',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN EXISTS (SELECT FROM changed) THEN 'done'
      WHEN EXISTS (SELECT FROM visible) AND NOT EXISTS (SELECT FROM caller_recheck) THEN 'refused'
      WHEN NOT (EXISTS (SELECT FROM access)) THEN 'not_found' ELSE 'refused' END,
    (
      SELECT concat('{"clinic":{"before":', coalesce($6::int::text, 'null'), ',"after":',
        coalesce($6::int::text, 'null'), '}',
        coalesce(',' || substr((CASE WHEN EXISTS (SELECT FROM changed) THEN (
          SELECT ('{' || string_agg(
            format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'),
              coalesce(a.value::text, 'null')),
            ',' ORDER BY coalesce(b.n, a.n)
          ) || '}')::json
          FROM json_each((SELECT row_to_json(o)
            FROM (SELECT name, coalesce(nullif(time_zone, ''), $10::text) AS time_zone, active
              FROM target) o)) WITH ORDINALITY b (key,
            value, n)
            FULL JOIN json_each((SELECT row_to_json(o)
              FROM (SELECT name, coalesce(nullif(time_zone, ''), $10::text) AS time_zone, active
                FROM changed) o)) WITH ORDINALITY a (key,
              value, n) USING (key)
          WHERE b.value::text IS DISTINCT FROM a.value::text
        ) END)::text, 2), '}'))::json
      FROM caller
    )
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM locked_members) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        EXISTS (SELECT FROM access) AS "isFound", EXISTS (SELECT FROM access WHERE can_manage) AS "canManage",
        EXISTS (SELECT FROM access WHERE kind = 'personal') AS "isPersonal",
  EXISTS (SELECT FROM access WHERE kind = 'personal' AND NOT $9::boolean) AS "isPersonalDeactivated",
    EXISTS (SELECT FROM zone WHERE is_known) AS "isKnownZone",
  (SELECT row_to_json(r)::text FROM response r) AS body
FROM token_account;
