-- POST /api/invitations: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 clinic integer, $7 role text, $8 email text, $9 clinic_role text, $10 code_hash text, $11 is_registration_open boolean, $12 request_id uuid, $13 address text
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
locked_session AS (
  SELECT s.id FROM users u, sessions s
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND s.user_id = u.id AND (SELECT count(*) FROM caller) >= 0
  FOR SHARE OF u FOR SHARE OF s
),
locked_memberships AS (
  SELECT ms.* FROM memberships ms
  WHERE ms.account_id = (SELECT id FROM caller) AND (ms.clinic_id = $1::int OR ms.clinic_id = $6::int)
    AND EXISTS (SELECT FROM locked_session)
  ORDER BY ms.clinic_id
  FOR SHARE
),
clinic AS (
  SELECT c.id FROM clinics c
    WHERE c.id = $6::int AND c.kind = 'shared' AND (SELECT count(*) FROM locked_memberships) >= 0
      AND (EXISTS (SELECT FROM caller WHERE caller.role = 'admin')
        OR $7::text = 'clinician'
          AND coalesce((SELECT ms.role FROM locked_memberships ms
            WHERE ms.clinic_id = $6::int AND ms.ended_at IS NULL) = 'manager',
            false))
  FOR KEY SHARE
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
    SELECT FROM caller UNION ALL SELECT FROM clinic
  ) steps HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
created AS (
  INSERT INTO invitations (email, role, clinic_id, clinic_role, code_hash, created_by, expires_at)
  SELECT $8::text, $7::text, $6::int, $9::text, $10::text, (SELECT id FROM caller),
    now() + make_interval(days => 7)
  WHERE (EXISTS (SELECT FROM caller WHERE caller.role = 'admin')
    OR $7::text = 'clinician'
      AND coalesce((SELECT ms.role FROM locked_memberships ms
        WHERE ms.clinic_id = $6::int AND ms.ended_at IS NULL) = 'manager',
        false))
    AND NOT ($6::int IS NOT NULL AND NOT EXISTS (SELECT FROM clinic)) AND $11::boolean
    AND EXISTS (SELECT FROM caller_recheck)
  RETURNING id, email, role, clinic_id, clinic_role, expires_at
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    changes)
  SELECT id, username, role, $4::uuid, clinic_id, $12::uuid, $13::text,
    'invite',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN EXISTS (SELECT FROM created) THEN 'done'
      ELSE 'refused' END,
    (SELECT (
      SELECT ('{' || string_agg(
        format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'),
          coalesce(a.value::text, 'null')),
        ',' ORDER BY coalesce(b.n, a.n)
      ) || '}')::json
      FROM json_each(NULL) WITH ORDINALITY b (key, value, n)
        FULL JOIN json_each((SELECT json_strip_nulls((SELECT row_to_json(o)
          FROM (SELECT id AS invitation, email, role, clinic_id AS clinic, clinic_role
            FROM created) o)))) WITH ORDINALITY a (key,
          value, n) USING (key)
      WHERE b.value::text IS DISTINCT FROM a.value::text
    ) FROM created)
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM caller) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        (EXISTS (SELECT FROM caller WHERE caller.role = 'admin')
          OR $7::text = 'clinician'
            AND coalesce((SELECT ms.role FROM locked_memberships ms
              WHERE ms.clinic_id = $6::int AND ms.ended_at IS NULL) = 'manager',
              false)) AS "canInvite",
        (SELECT ms.role FROM locked_memberships ms
          WHERE ms.clinic_id = $6::int AND ms.ended_at IS NULL) AS "roleInClinic",
  ($6::int IS NOT NULL AND NOT EXISTS (SELECT FROM clinic)) AS "isClinicMissing", (SELECT id FROM created) AS id,
  (SELECT substr(to_json(expires_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z'
    FROM created) AS expires_at
FROM token_account;
