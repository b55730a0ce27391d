-- DELETE /api/clinics/:id: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 id integer, $7 request_id uuid, $8 address text, $9 default_time_zone text
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
  WHERE s.id = ANY ($4::uuid || ARRAY(
    SELECT of_member.id FROM memberships ms JOIN sessions of_member ON of_member.user_id = ms.account_id
    WHERE ms.clinic_id = $6::int AND of_member.clinic_id = $6::int
  )) AND (s.id = $4::uuid OR s.clinic_id = $6::int) AND (SELECT count(*) FROM locked_accounts) >= 0
    AND EXISTS (SELECT FROM visible)
  ORDER BY s.id
  FOR NO KEY UPDATE
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
patients_left AS (
  SELECT FROM access
  WHERE EXISTS (SELECT FROM patients p WHERE p.owner_id = $6::int) OR EXISTS (
    SELECT FROM patients p WHERE p.deleted_from = $6::int AND p.deleted_at IS NOT NULL)
),
deletable AS (
  SELECT id FROM access WHERE can_manage AND kind = 'shared' AND NOT EXISTS (SELECT FROM patients_left)
),
moved_sessions AS (
  UPDATE sessions s SET clinic_id = s.user_id
  FROM deletable, locked_sessions
  WHERE s.id = locked_sessions.id AND locked_sessions.clinic_id = deletable.id AND EXISTS (SELECT FROM caller_recheck)
),
deleted AS (
  DELETE FROM clinics c USING deletable WHERE c.id = deletable.id AND EXISTS (SELECT FROM caller_recheck)
  RETURNING c.*
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    changes)
  SELECT id, username, role, $4::uuid, clinic_id, $7::uuid, $8::text,
    'delete_clinic',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN EXISTS (SELECT FROM deleted) THEN 'done'
      WHEN EXISTS (SELECT FROM visible) AND NOT EXISTS (SELECT FROM caller_recheck) THEN 'refused'
      WHEN NOT (EXISTS (SELECT FROM access)) THEN 'not_found' ELSE 'refused' END,
    CASE WHEN EXISTS (SELECT FROM deleted)
      THEN (
        SELECT concat('{"clinic":{"before":', coalesce($6::int::text, 'null'), ',"after":',
          coalesce(NULL::text, 'null'), '}',
          coalesce(',' || substr(((
            SELECT ('{' || string_agg(
              format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'),
                coalesce(a.value::text, 'null')),
              ',' ORDER BY coalesce(b.n, a.n)
            ) || '}')::json
            FROM json_each((SELECT row_to_json(o)
              FROM (SELECT name, coalesce(nullif(time_zone, ''), $9::text) AS time_zone, active,
                ARRAY(SELECT account_id FROM locked_members
                  WHERE clinic_id = $6::int AND ended_at IS NULL ORDER BY account_id) AS members
                  FROM deleted) o)) WITH ORDINALITY b (key,
                  value, n)
              FULL JOIN json_each(NULL) WITH ORDINALITY a (key, value, n) USING (key)
            WHERE b.value::text IS DISTINCT FROM a.value::text
          ))::text, 2), '}'))::json
        FROM caller
      ) ELSE (
        SELECT concat('{"clinic":{"before":', coalesce($6::int::text, 'null'), ',"after":',
          coalesce($6::int::text, 'null'), '}',
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
  EXISTS (SELECT FROM patients_left) AS "hasPatients", EXISTS (SELECT FROM deleted) AS "isDeleted"
FROM token_account;
