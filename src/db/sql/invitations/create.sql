-- POST /api/invitations: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 email text, $5 role text, $6 code_hash text, $7 is_registration_open boolean, $8 request_id uuid, $9 address text
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
caller_recheck AS (
  SELECT FROM (SELECT count(*) FROM caller HAVING count(*) > 0) locked, users u, sessions s
  WHERE u.id = (SELECT id FROM caller) AND u.active AND u.token_version = $1::int
    AND s.id = $2::uuid AND s.user_id = u.id
    AND s.password_version = u.password_version AND s.ended_at IS NULL AND s.expires_at > now()
  FOR SHARE OF u, s
),
created AS (
  INSERT INTO invitations (email, role, code_hash, created_by, expires_at)
  SELECT $4::text, $5::text, $6::text, (SELECT id FROM caller),
    now() + make_interval(days => 7)
  WHERE (EXISTS (SELECT FROM caller WHERE role = 'admin')) AND $7::boolean AND EXISTS (SELECT FROM caller_recheck)
  RETURNING id, email, role, expires_at
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, changes)
  SELECT id, username, role, $2::uuid, $8::uuid, $9::text,
    'invite',
    CASE WHEN NOT is_accepted THEN 'refused'
      WHEN NOT EXISTS (SELECT FROM caller WHERE role = 'admin') THEN 'refused'
      WHEN EXISTS (SELECT FROM created) THEN 'done'
      ELSE 'refused' END,
    (SELECT (
      SELECT ('{' || string_agg(
        format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'), coalesce(a.value::text, 'null')),
        ',' ORDER BY coalesce(b.n, a.n)
      ) || '}')::json
      FROM json_each(NULL) WITH ORDINALITY b (key, value, n)
        FULL JOIN json_each((SELECT row_to_json(o) FROM (SELECT id AS invitation, email, role FROM created) o)) WITH ORDINALITY a (key, value, n) USING (key)
      WHERE b.value::text IS DISTINCT FROM a.value::text
    ) FROM created)
  FROM token_account
)
SELECT (EXISTS (SELECT FROM caller WHERE role = 'admin')) AS "isAdmin", (SELECT id FROM created) AS id,
  (SELECT substr(to_json(expires_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' FROM created) AS expires_at
FROM caller WHERE NOT (EXISTS (SELECT FROM caller) AND NOT EXISTS (SELECT FROM caller_recheck));
