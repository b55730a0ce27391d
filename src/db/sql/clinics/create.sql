-- POST /api/clinics: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 record jsonb, $7 key text, $8 default_time_zone text, $9 request_id uuid, $10 address text, $11 is_retry boolean
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
request AS (
  SELECT encode(sha256(convert_to('clinics' || $6::jsonb::text, 'UTF8')), 'hex') AS fingerprint
),
visible_key AS (
  SELECT k.fingerprint, k.record_id, k.answer,
    EXISTS (SELECT FROM clinics c
      WHERE c.id = k.record_id AND EXISTS (SELECT FROM caller WHERE role = 'admin')) AS is_readable
  FROM idempotency_keys k
    WHERE k.account_id = (SELECT id FROM caller)
      AND k.key = (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $7::text FROM caller)
),
earlier_key AS (
  SELECT fingerprint, record_id, answer, is_readable FROM visible_key
  UNION ALL SELECT k.fingerprint, k.record_id, k.answer, true
  FROM caller,
    kept_answer(caller.id,
      (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $7::text FROM caller)) k
    WHERE NOT EXISTS (SELECT FROM visible_key)
),
locked_accounts AS (
  SELECT u.id, u.active AND u.role <> 'auditor' AS can_work FROM users u
  WHERE u.id IN ((SELECT id FROM caller), ($6::jsonb ->> 'manager')::int)
    AND EXISTS (SELECT FROM caller WHERE role = 'admin') AND NOT EXISTS (SELECT FROM earlier_key)
  ORDER BY u.id
  FOR SHARE
),
locked_caller AS (
  SELECT CASE WHEN NOT (u.active AND u.token_version = $3::int)
    OR NOT (s.id = $4::uuid AND s.user_id = u.id AND s.password_version = u.password_version
    AND s.ended_at IS NULL AND s.expires_at > now())
      THEN 'token_revoked'
      WHEN s.clinic_id <> $1::int THEN 'clinic_changed'
      WHEN ms.ended_at IS NOT NULL THEN 'membership_ended'
      WHEN NOT ms.clinic_active THEN 'token_revoked'
      WHEN array_position(ARRAY['reader', 'clerk', 'clinician', 'manager'], ms.role)
        < array_position(ARRAY['reader', 'clerk', 'clinician', 'manager'], (SELECT clinic_role FROM caller))
        THEN 'token_revoked' END AS refusal
  FROM (SELECT count(*) FROM (
    SELECT FROM caller UNION ALL SELECT FROM earlier_key UNION ALL SELECT FROM locked_accounts
  ) steps HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
manager AS (SELECT id FROM locked_accounts WHERE id = ($6::jsonb ->> 'manager')::int AND can_work),
draft AS (
  SELECT nextval('users_id_seq')::int AS id, $6::jsonb ->> 'name' AS name, 'shared' AS kind,
    $6::jsonb ->> 'time_zone' AS time_zone,
    true AS active, now()::timestamptz(3) AS created_at, now()::timestamptz(3) AS updated_at,
    coalesce(($6::jsonb ->> 'manager')::int, caller.id) AS manager, ($6::jsonb ->> 'manager')::int IS NULL AS is_interim
  FROM caller
  WHERE EXISTS (SELECT FROM caller_recheck) AND EXISTS (SELECT FROM caller WHERE role = 'admin')
    AND NOT EXISTS (SELECT FROM earlier_key)
    AND NOT (($6::jsonb ->> 'manager')::int IS NOT DISTINCT
      FROM (SELECT id FROM caller) AND EXISTS (SELECT FROM caller WHERE role = 'admin'))
      AND NOT (($6::jsonb ->> 'manager')::int IS NOT NULL AND NOT EXISTS (SELECT FROM manager))
      AND ($6::jsonb ->> 'time_zone' IS NULL
        OR lower($6::jsonb ->> 'time_zone' COLLATE "C") NOT IN ('cet', 'eet', 'met', 'wet')
      AND EXISTS (SELECT FROM pg_timezone_names z
        WHERE lower(z.name COLLATE "C") = lower($6::jsonb ->> 'time_zone' COLLATE "C")))
),
response AS (
  SELECT c.id AS record_id, (SELECT row_to_json(o) FROM (SELECT c.id, c.name, c.kind,
      coalesce(nullif(c.time_zone, ''), $8::text) AS time_zone, c.active, CASE WHEN c.is_interim
        THEN 'manager' END AS role,
      substr(to_json(c.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS created_at,
        substr(to_json(c.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2,
          23) || 'Z' AS updated_at) o)::text AS answer
        FROM draft c
),
stored_key AS (
  INSERT INTO idempotency_keys (account_id, key, fingerprint, record_id, answer)
  SELECT caller.id, (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $7::text FROM caller),
    request.fingerprint, response.record_id, response.answer
  FROM caller, request, response
    WHERE (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $7::text FROM caller) IS NOT NULL
  ON CONFLICT (account_id, key) DO UPDATE SET key = EXCLUDED.key
  RETURNING fingerprint, record_id, answer, xmax = 0 AS is_new
),
result AS (
  SELECT keys.record_id, keys.answer, keys.is_new, keys.fingerprint = request.fingerprint AS is_same_request,
    keys.is_readable
  FROM request, (
    SELECT fingerprint, record_id, answer, is_new, true AS is_readable FROM stored_key
    UNION ALL SELECT fingerprint, record_id, answer, false, is_readable FROM earlier_key
  ) keys
  UNION ALL SELECT record_id, answer, true, true, true FROM response
    WHERE (SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || $7::text FROM caller) IS NULL
),
created AS (
  INSERT INTO clinics (id, name, kind, time_zone, created_at, updated_at)
  SELECT id, name, kind, time_zone, created_at, updated_at FROM draft WHERE EXISTS (SELECT FROM result WHERE is_new)
),
created_membership AS (
  INSERT INTO memberships (clinic_id, account_id, role, is_interim, time_zone, clinic_active)
  SELECT id, manager, 'manager', is_interim, time_zone, active FROM draft WHERE EXISTS (SELECT FROM result WHERE is_new)
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    subject_id, changes)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $9::uuid, $10::text,
      CASE WHEN EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_new) THEN 'replay' ELSE 'create_clinic' END,
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN NOT EXISTS (SELECT FROM caller WHERE role = 'admin') THEN 'refused'
        WHEN EXISTS (SELECT FROM result WHERE is_same_request AND is_readable) AND EXISTS (SELECT FROM caller_recheck)
          THEN 'done'
        ELSE 'refused' END,
      (SELECT manager FROM draft, result WHERE is_new),
      (
        SELECT (
          SELECT ('{' || string_agg(
            format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'),
              coalesce(a.value::text, 'null')),
            ',' ORDER BY coalesce(b.n, a.n)
          ) || '}')::json
          FROM json_each(NULL) WITH ORDINALITY b (key, value, n)
            FULL JOIN json_each((SELECT row_to_json(o)
              FROM (SELECT id AS clinic, name, time_zone, manager, is_interim FROM draft) o)) WITH ORDINALITY a (key,
              value, n) USING (key)
          WHERE b.value::text IS DISTINCT FROM a.value::text
        )
        FROM result WHERE is_new
      )
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, subject_id, changes)
  WHERE NOT ($11::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, NULL))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM caller) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        (SELECT answer FROM result WHERE is_same_request AND is_readable) AS body,
  (SELECT record_id FROM result WHERE is_same_request) AS id,
    EXISTS (SELECT FROM result WHERE NOT is_new) AS "isReplayed",
  EXISTS (SELECT FROM result WHERE NOT is_same_request) AS "keyReusedWithDifferentRequest",
  EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_readable) AS "isUnreadable",
  EXISTS (SELECT FROM caller WHERE role = 'admin') AS "isAdmin",
    (($6::jsonb ->> 'manager')::int IS NOT DISTINCT
      FROM (SELECT id FROM caller) AND EXISTS (SELECT FROM caller WHERE role = 'admin')) AS "isOwnManager",
    (($6::jsonb ->> 'manager')::int IS NOT NULL AND NOT EXISTS (SELECT FROM manager)) AS "isManagerMissing",
  ($6::jsonb ->> 'time_zone' IS NULL OR lower($6::jsonb ->> 'time_zone' COLLATE "C") NOT IN ('cet', 'eet', 'met', 'wet')
    AND EXISTS (SELECT FROM pg_timezone_names z
      WHERE lower(z.name COLLATE "C") = lower($6::jsonb ->> 'time_zone' COLLATE "C"))) AS "isKnownZone"
FROM token_account;
