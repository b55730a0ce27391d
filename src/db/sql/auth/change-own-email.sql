-- PATCH /api/auth/me: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 username text, $5 role text, $6 password_hash text, $7 email text, $8 network text, $9 wide_network text, $10 isOwnNetwork boolean, $11 request_id uuid, $12 address text
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
locked_account AS (SELECT u.* FROM users u WHERE u.id = (SELECT id FROM caller) FOR NO KEY UPDATE),
caller_recheck AS (
  SELECT FROM (SELECT count(*) FROM locked_account HAVING count(*) > 0) locked, users u, sessions s
  WHERE u.id = (SELECT id FROM caller) AND u.active AND u.token_version = $1::int
    AND s.id = $2::uuid AND s.user_id = u.id
    AND s.password_version = u.password_version AND s.ended_at IS NULL AND s.expires_at > now()
  FOR SHARE OF u, s
),
correct_password AS (
  SELECT coalesce(username <> $4::text, false) AS is_username_changed,
    coalesce(role <> $5::text, false) AS is_role_changed
  FROM locked_account WHERE password_hash = $6::text
),
changed AS (
  UPDATE users u SET email = $7::text, updated_at = now()
  FROM correct_password
  WHERE u.id = (SELECT id FROM caller) AND $7::text IS NOT NULL AND NOT is_username_changed AND NOT is_role_changed AND EXISTS (SELECT FROM caller_recheck)
  RETURNING u.id, u.username, u.email, u.role
),
counters AS (
  SELECT * FROM (VALUES
    ('', $8::text),
    ('', $9::text),
    ((SELECT lower(username COLLATE "C") FROM caller), ''),
    ((SELECT lower(username COLLATE "C") FROM caller), $8::text)
  ) keys (username, network)
  WHERE (keys.username <> '' AND keys.network <> '') = $10::boolean
    AND keys.network IS NOT NULL AND (SELECT lower(username COLLATE "C") FROM caller) IS NOT NULL
),
locked_counters AS (
  SELECT l.username, l.network FROM counters k, LATERAL (
    SELECT a.username, a.network FROM login_attempts a WHERE (a.username, a.network) = (k.username, k.network)
    FOR UPDATE
  ) l
  WHERE EXISTS (SELECT FROM correct_password)
),
decremented_counters AS (
  UPDATE login_attempts a SET failures = greatest(a.failures - 1, 0), blocked_until = 'epoch'::timestamptz,
    logged_in_at = CASE WHEN a.username <> '' AND a.network <> '' THEN now() END
  FROM locked_counters l WHERE (a.username, a.network) = (l.username, l.network)
),
remembered_network AS (
  INSERT INTO login_attempts (username, network, failures, failed_at, blocked_until, logged_in_at)
  SELECT (SELECT lower(username COLLATE "C") FROM caller), $8::text, 0, now(), 'epoch'::timestamptz, now()
  WHERE EXISTS (SELECT FROM correct_password) AND NOT $10::boolean
  ON CONFLICT (username, network) DO UPDATE SET logged_in_at = now()
),
removed_networks AS (
  DELETE FROM login_attempts a
  WHERE a.username = (SELECT lower(username COLLATE "C") FROM caller) AND EXISTS (SELECT FROM correct_password) AND NOT $10::boolean AND a.network IN (
    SELECT own.network FROM login_attempts own WHERE own.username = (SELECT lower(username COLLATE "C") FROM caller) AND own.logged_in_at IS NOT NULL
    ORDER BY own.logged_in_at DESC OFFSET 3
  )
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, subject_id, changes)
  SELECT id, username, role, $2::uuid, $11::uuid, $12::text,
    'update_account',
    CASE WHEN NOT is_accepted THEN 'refused'
      WHEN EXISTS (SELECT FROM changed) THEN 'done'
      ELSE 'refused' END,
    id,
    (SELECT (
      SELECT ('{' || string_agg(
        format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'), coalesce(a.value::text, 'null')),
        ',' ORDER BY coalesce(b.n, a.n)
      ) || '}')::json
      FROM json_each((SELECT row_to_json(o) FROM (SELECT email FROM locked_account) o)) WITH ORDINALITY b (key, value, n)
        FULL JOIN json_each((SELECT row_to_json(o) FROM (SELECT email FROM changed) o)) WITH ORDINALITY a (key, value, n) USING (key)
      WHERE b.value::text IS DISTINCT FROM a.value::text
    ) FROM changed)
  FROM token_account
)
SELECT (SELECT row_to_json(r)::text FROM changed r) AS body,
  EXISTS (SELECT FROM correct_password WHERE is_username_changed) AS "isUsernameChanged",
  EXISTS (SELECT FROM correct_password WHERE is_role_changed) AS "isRoleChanged"
FROM caller WHERE NOT (EXISTS (SELECT FROM locked_account) AND NOT EXISTS (SELECT FROM caller_recheck));
