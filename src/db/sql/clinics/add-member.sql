-- POST /api/clinics/:id/members: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 account integer, $7 username text, $8 id integer, $9 role text, $10 request_id uuid, $11 address text
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
named AS (
  SELECT u.id FROM users u
  WHERE u.id = coalesce($6::int,
    (SELECT u.id FROM users u WHERE lower(u.username COLLATE "C") = lower($7::text COLLATE "C")))
),
visible AS (SELECT
  WHERE EXISTS (SELECT FROM clinics c WHERE c.id = $8::int AND (EXISTS (SELECT FROM caller WHERE role = 'admin') OR (
  SELECT ms.role FROM memberships ms
    WHERE ms.clinic_id = c.id AND ms.account_id = (SELECT id FROM caller) AND ms.ended_at IS NULL
) IS NOT NULL))),
locked_accounts AS (
  SELECT u.id, u.username, u.active AND u.role <> 'auditor' AS can_work FROM users u
  WHERE u.id = ANY (ARRAY[(SELECT id FROM caller), (SELECT id FROM named)]) AND EXISTS (SELECT FROM visible)
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
    AND ms.clinic_id = ANY (ARRAY[$8::int, (SELECT clinic_id FROM caller)])
      AND (ms.clinic_id = $8::int OR ms.account_id = (SELECT id FROM caller))
  ORDER BY ms.clinic_id, ms.account_id
  FOR NO KEY UPDATE
),
target AS (
  SELECT c.* FROM clinics c
  WHERE c.id = $8::int AND (SELECT count(*) FROM locked_members) > 0
  FOR NO KEY UPDATE
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
earlier AS (
  SELECT ms.* FROM access, locked_members ms WHERE ms.clinic_id = access.id AND ms.account_id = (SELECT id FROM named)
),
addable AS (
  SELECT a.id FROM access, locked_accounts a
  WHERE access.can_manage AND access.kind = 'shared' AND a.id = (SELECT id FROM named) AND a.can_work
    AND a.id <> (SELECT id FROM caller)
    AND NOT EXISTS (SELECT FROM earlier WHERE ended_at IS NULL) AND EXISTS (SELECT FROM caller_recheck)
),
continued AS (
  UPDATE memberships ms SET role = $9::text, created_at = now(), ended_at = NULL, is_interim = false
  FROM addable, earlier WHERE ms.clinic_id = earlier.clinic_id AND ms.account_id = earlier.account_id
  RETURNING ms.*
),
created AS (
  INSERT INTO memberships (clinic_id, account_id, role, time_zone, clinic_active)
  SELECT target.id, addable.id, $9::text, target.time_zone, target.active
  FROM target, addable WHERE NOT EXISTS (SELECT FROM earlier)
  RETURNING *
),
added AS (SELECT * FROM continued UNION ALL SELECT * FROM created),
ended_interim AS (
  UPDATE memberships ms SET ended_at = now(), is_interim = false
  FROM added named
  WHERE named.role = 'manager' AND ms.clinic_id = $8::int AND ms.is_interim AND ms.ended_at IS NULL
    AND ms.account_id <> named.account_id
  RETURNING ms.account_id, ms.role
),
interim_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    subject_id, changes)
  SELECT token_account.id, token_account.username, token_account.role, $4::uuid, token_account.clinic_id, $10::uuid,
    $11::text,
    'end_member',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      ELSE 'done' END,
    ended_interim.account_id,
    (
      SELECT concat('{"clinic":{"before":', coalesce($8::int::text, 'null'), ',"after":', coalesce(NULL::text, 'null'),
        '}',
        coalesce(',' || substr(((
          SELECT ('{' || string_agg(
            format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'),
              coalesce(a.value::text, 'null')),
            ',' ORDER BY coalesce(b.n, a.n)
          ) || '}')::json
          FROM json_each((SELECT row_to_json(o) FROM (SELECT role FROM ended_interim) o)) WITH ORDINALITY b (key, value,
            n)
            FULL JOIN json_each(NULL) WITH ORDINALITY a (key, value, n) USING (key)
          WHERE b.value::text IS DISTINCT FROM a.value::text
        ))::text, 2), '}'))::json
      FROM caller
    )
  FROM token_account, ended_interim
),
response AS (
  SELECT ms.account_id AS account, (SELECT username FROM locked_accounts a WHERE a.id = ms.account_id) AS username,
    ms.role,
    substr(to_json(ms.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS created_at
  FROM (
    SELECT * FROM added
    UNION ALL SELECT * FROM earlier WHERE ended_at IS NULL AND EXISTS (SELECT FROM access WHERE can_manage)
  ) ms
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    subject_id, changes)
  SELECT id, username, role, $4::uuid, clinic_id, $10::uuid, $11::text,
    'add_member',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN EXISTS (SELECT FROM response) THEN 'done'
      WHEN EXISTS (SELECT FROM visible) AND NOT EXISTS (SELECT FROM caller_recheck) THEN 'refused'
      WHEN NOT (EXISTS (SELECT FROM access)) THEN 'not_found' ELSE 'refused' END,
    coalesce((SELECT id FROM named), $6::int),
    CASE WHEN EXISTS (SELECT FROM added)
      THEN (
        SELECT concat('{"clinic":{"before":', coalesce(NULL::text, 'null'), ',"after":',
          coalesce($8::int::text, 'null'), '}',
          coalesce(',' || substr(((
            SELECT ('{' || string_agg(
              format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'),
                coalesce(a.value::text, 'null')),
              ',' ORDER BY coalesce(b.n, a.n)
            ) || '}')::json
            FROM json_each(NULL) WITH ORDINALITY b (key, value, n)
              FULL JOIN json_each((SELECT row_to_json(o) FROM (SELECT role FROM added) o)) WITH ORDINALITY a (key,
                value, n) USING (key)
            WHERE b.value::text IS DISTINCT FROM a.value::text
          ))::text, 2), '}'))::json
        FROM caller
      ) ELSE (
        SELECT concat('{"clinic":{"before":', coalesce($8::int::text, 'null'), ',"after":',
          coalesce($8::int::text, 'null'), '}',
          coalesce(',' || substr((NULL::json)::text, 2), '}'))::json
        FROM caller
      ) END
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM locked_members) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        EXISTS (SELECT FROM access) AS "isFound", EXISTS (SELECT FROM access WHERE can_manage) AS "canManage",
        EXISTS (SELECT FROM access WHERE kind = 'personal') AS "isPersonal",
  NOT EXISTS (SELECT FROM locked_accounts a WHERE a.id = (SELECT id FROM named) AND a.can_work) AS "isMissing",
  EXISTS (SELECT FROM named WHERE id = (SELECT id FROM caller)) AS "isOwn",
  EXISTS (SELECT FROM earlier WHERE ended_at IS NULL) AS "isCurrent",
    (SELECT row_to_json(r)::text FROM response r) AS body
FROM token_account;
