-- PATCH /api/accounts/:id: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 changes jsonb, $5 id integer, $6 username text, $7 request_id uuid, $8 address text, $9 reason text
WITH token_account AS (
  SELECT u.id, u.username, u.role, u.doctor_id,
    NOT u.must_change_password AND u.role <> 'auditor' AND u.active AND u.token_version = $1::int AND EXISTS (
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
new_doctor AS (
  SELECT d.id FROM doctors d
  WHERE d.id = ($4::jsonb ->> 'doctor_id')::int AND (EXISTS (SELECT FROM caller WHERE role = 'admin'))
  FOR NO KEY UPDATE
),
locked_accounts AS (
  SELECT u.* FROM users u
  WHERE u.id IN ((SELECT id FROM caller), $5::int) AND (EXISTS (SELECT FROM caller WHERE role = 'admin'))
    AND (SELECT count(*) FROM new_doctor) >= 0
  ORDER BY u.id
  FOR NO KEY UPDATE
),
caller_recheck AS (
  SELECT FROM (SELECT count(*) FROM locked_accounts HAVING count(*) > 0) locked, users u, sessions s
  WHERE u.id = (SELECT id FROM caller) AND u.active AND u.token_version = $1::int
    AND s.id = $2::uuid AND s.user_id = u.id
    AND s.password_version = u.password_version AND s.ended_at IS NULL AND s.expires_at > now()
  FOR SHARE OF u, s
),
target AS (SELECT * FROM locked_accounts WHERE id = $5::int AND EXISTS (SELECT FROM caller_recheck)),
new_link AS (
  SELECT target.id = (SELECT id FROM caller) AS is_own
  FROM target
  WHERE ($4::jsonb ->> 'doctor_id')::int IS NOT NULL AND ($4::jsonb ->> 'doctor_id')::int IS DISTINCT FROM target.doctor_id
),
changed AS (
  UPDATE users u SET (email, role, active, doctor_id, token_version, updated_at) = (
    SELECT new.email, new.role, new.active, new.doctor_id,
      u.token_version + (new.role <> u.role OR new.active <> u.active)::int, now()
    FROM jsonb_populate_record(u, $4::jsonb) new
  )
  FROM target WHERE u.id = target.id AND NOT (EXISTS (SELECT FROM new_link WHERE is_own) OR EXISTS (SELECT FROM target WHERE id = (SELECT id FROM caller) AND email <> $4::jsonb ->> 'email') OR EXISTS (SELECT FROM target WHERE username <> $6::text))
  RETURNING u.*
),
response AS (
  SELECT u.id, u.username, u.email, u.role, u.active, u.doctor_id AS doctor,
    substr(to_json(u.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS created_at
  FROM changed u
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, patients, subject_id, changes, reason)
  SELECT id, username, role, $2::uuid, $7::uuid, $8::text,
    'update_account',
    CASE WHEN NOT is_accepted THEN 'refused'
      WHEN NOT EXISTS (SELECT FROM caller WHERE role = 'admin') THEN 'refused'
      WHEN NOT EXISTS (SELECT FROM caller_recheck) OR EXISTS (SELECT FROM new_link WHERE is_own) OR EXISTS (SELECT FROM target WHERE id = (SELECT id FROM caller) AND email <> $4::jsonb ->> 'email') OR EXISTS (SELECT FROM target WHERE username <> $6::text) THEN 'refused'
      WHEN EXISTS (SELECT FROM changed) THEN 'done'
      ELSE 'not_found' END,
    (SELECT doctor_patients(changed.doctor_id) FROM changed, new_link),
    $5::int,
    (SELECT (
      SELECT ('{' || string_agg(
        format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'), coalesce(a.value::text, 'null')),
        ',' ORDER BY coalesce(b.n, a.n)
      ) || '}')::json
      FROM json_each((SELECT row_to_json(o) FROM (SELECT email, role, active, doctor_id AS doctor FROM target) o)) WITH ORDINALITY b (key, value, n)
        FULL JOIN json_each((SELECT row_to_json(o) FROM (SELECT email, role, active, doctor_id AS doctor FROM changed) o)) WITH ORDINALITY a (key, value, n) USING (key)
      WHERE b.value::text IS DISTINCT FROM a.value::text
    ) FROM changed),
    $9::text
  FROM token_account
)
SELECT (EXISTS (SELECT FROM caller WHERE role = 'admin')) AS "isAdmin",
  EXISTS (SELECT FROM new_link WHERE is_own) AS "isOwnLink", EXISTS (SELECT FROM target WHERE id = (SELECT id FROM caller) AND email <> $4::jsonb ->> 'email') AS "isOwnEmail", EXISTS (SELECT FROM target WHERE username <> $6::text) AS "isRenamed",
  (SELECT row_to_json(r)::text FROM response r) AS body
FROM caller WHERE NOT (EXISTS (SELECT FROM locked_accounts) AND NOT EXISTS (SELECT FROM caller_recheck));
