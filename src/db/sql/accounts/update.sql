-- PATCH /api/accounts/:id: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 changes jsonb, $7 id integer, $8 username text, $9 request_id uuid, $10 address text, $11 reason text
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
new_doctor AS (
  SELECT d.id FROM doctors d
  WHERE d.id = ($6::jsonb ->> 'doctor_id')::int AND EXISTS (SELECT FROM caller WHERE caller.role = 'admin')
  FOR NO KEY UPDATE
),
locked_accounts AS (
  SELECT u.* FROM users u
  WHERE u.id IN ((SELECT id FROM caller), $7::int) AND EXISTS (SELECT FROM caller WHERE caller.role = 'admin')
    AND (SELECT count(*) FROM new_doctor) >= 0
  ORDER BY u.id
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
  FROM (SELECT count(*) FROM locked_accounts HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
target AS (SELECT * FROM locked_accounts WHERE id = $7::int AND EXISTS (SELECT FROM caller_recheck)),
new_link AS (
  SELECT target.id = (SELECT id FROM caller) AS is_own
  FROM target
  WHERE ($6::jsonb ->> 'doctor_id')::int IS NOT NULL AND ($6::jsonb ->> 'doctor_id')::int IS DISTINCT
    FROM target.doctor_id
),
changed AS (
  UPDATE users u SET (email, role, active, doctor_id, token_version, updated_at) = (
    SELECT new.email, new.role, new.active, new.doctor_id,
      u.token_version + (new.role <> u.role OR new.active <> u.active)::int, now()
    FROM jsonb_populate_record(u, $6::jsonb) new
  )
  FROM target
    WHERE u.id = target.id
      AND NOT (EXISTS (SELECT FROM new_link WHERE is_own)
        OR EXISTS (SELECT FROM target WHERE id = (SELECT id FROM caller) AND email <> $6::jsonb ->> 'email')
        OR EXISTS (SELECT FROM target WHERE username <> $8::text))
  RETURNING u.*
),
response AS (
  SELECT u.id, u.username, u.email, u.role, u.active, u.doctor_id AS doctor,
    substr(to_json(u.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS created_at
  FROM changed u
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patients, subject_id, changes, reason)
  SELECT id, username, role, $4::uuid, clinic_id, $9::uuid, $10::text,
    'update_account',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN NOT EXISTS (SELECT FROM caller WHERE role = 'admin') THEN 'refused'
      WHEN NOT EXISTS (SELECT FROM caller_recheck) OR EXISTS (SELECT FROM new_link WHERE is_own)
        OR EXISTS (SELECT FROM target WHERE id = (SELECT id FROM caller) AND email <> $6::jsonb ->> 'email')
        OR EXISTS (SELECT FROM target WHERE username <> $8::text)
        THEN 'refused'
      WHEN EXISTS (SELECT FROM changed) THEN 'done'
      ELSE 'not_found' END,
    (SELECT doctor_patients(changed.doctor_id) FROM changed, new_link),
    $7::int,
    (SELECT (
      SELECT ('{' || string_agg(
        format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'),
          coalesce(a.value::text, 'null')),
        ',' ORDER BY coalesce(b.n, a.n)
      ) || '}')::json
      FROM json_each((SELECT row_to_json(o)
        FROM (SELECT email, role, active, doctor_id AS doctor FROM target) o)) WITH ORDINALITY b (key,
        value, n)
        FULL JOIN json_each((SELECT row_to_json(o)
          FROM (SELECT email, role, active, doctor_id AS doctor FROM changed) o)) WITH ORDINALITY a (key,
          value, n) USING (key)
      WHERE b.value::text IS DISTINCT FROM a.value::text
    ) FROM changed),
    $11::text
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM locked_accounts) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        EXISTS (SELECT FROM caller WHERE caller.role = 'admin') AS "isAdmin",
  EXISTS (SELECT FROM new_link WHERE is_own) AS "isOwnLink",
    EXISTS (SELECT FROM target WHERE id = (SELECT id FROM caller) AND email <> $6::jsonb ->> 'email') AS "isOwnEmail",
    EXISTS (SELECT FROM target WHERE username <> $8::text) AS "isRenamed",
  (SELECT row_to_json(r)::text FROM response r) AS body
FROM token_account;
