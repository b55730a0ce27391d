-- PATCH /api/auth/me: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 username text, $7 role text, $8 password_hash text, $9 email text, $10 network text, $11 wide_network text, $12 isOwnNetwork boolean, $13 request_id uuid, $14 address text
WITH token_account AS (
  SELECT u.id, u.username, u.role, u.doctor_id, $1::int AS clinic_id, ms.role AS clinic_role,
    coalesce((now() AT TIME ZONE nullif(ms.time_zone, ''))::date, $2::date) AS today,
    CASE WHEN u.must_change_password OR NOT (u.active AND u.token_version = $3::int) OR s.id IS NULL
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
locked_account AS (SELECT u.* FROM users u WHERE u.id = (SELECT id FROM caller) FOR NO KEY UPDATE),
locked_caller AS (
  SELECT CASE WHEN NOT (u.active AND u.token_version = $3::int)
    OR NOT (s.id = $4::uuid AND s.user_id = u.id AND s.password_version = u.password_version
    AND s.ended_at IS NULL AND s.expires_at > now())
      THEN 'token_revoked'
      WHEN s.clinic_id <> $1::int THEN 'clinic_changed'
      WHEN ms.ended_at IS NOT NULL THEN 'membership_ended'
      WHEN NOT ms.clinic_active THEN 'token_revoked'
    END AS refusal
  FROM (SELECT count(*) FROM locked_account HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
correct_password AS (
  SELECT coalesce(username <> $6::text, false) AS is_username_changed,
    coalesce(role <> $7::text, false) AS is_role_changed
  FROM locked_account WHERE password_hash = $8::text
),
changed AS (
  UPDATE users u SET email = $9::text, updated_at = now()
  FROM correct_password
  WHERE u.id = (SELECT id FROM caller) AND $9::text IS NOT NULL AND NOT is_username_changed AND NOT is_role_changed
    AND EXISTS (SELECT FROM caller_recheck)
  RETURNING u.id, u.username, u.email, u.role, (
    SELECT row_to_json(o) FROM (
      SELECT c.id, c.name, c.kind, caller.clinic_role AS role FROM caller JOIN clinics c ON c.id = caller.clinic_id
    ) o
  ) AS clinic
),
counters AS (
  SELECT * FROM (VALUES
    ('', $10::text),
    ('', $11::text),
    ((SELECT lower(username COLLATE "C") FROM caller), ''),
    ((SELECT lower(username COLLATE "C") FROM caller), $10::text)
  ) keys (username, network)
  WHERE (keys.username <> '' AND keys.network <> '') = $12::boolean
    AND keys.network IS NOT NULL AND (SELECT lower(username COLLATE "C") FROM caller) IS NOT NULL
),
locked_counters AS (
  SELECT l.username, l.network FROM counters k, LATERAL (
    SELECT la.username, la.network FROM login_attempts la WHERE (la.username, la.network) = (k.username, k.network)
    FOR UPDATE
  ) l
  WHERE EXISTS (SELECT FROM correct_password)
),
decremented_counters AS (
  UPDATE login_attempts la SET failures = greatest(la.failures - 1, 0), blocked_until = 'epoch'::timestamptz,
    logged_in_at = CASE WHEN la.username <> '' AND la.network <> '' THEN now() END
  FROM locked_counters l WHERE (la.username, la.network) = (l.username, l.network)
),
remembered_network AS (
  INSERT INTO login_attempts (username, network, failures, failed_at, blocked_until, logged_in_at)
  SELECT (SELECT lower(username COLLATE "C") FROM caller), $10::text, 0, now(), 'epoch'::timestamptz, now()
  WHERE EXISTS (SELECT FROM correct_password) AND NOT $12::boolean
  ON CONFLICT (username, network) DO UPDATE SET logged_in_at = now()
),
removed_networks AS (
  DELETE FROM login_attempts la
  WHERE la.username = (SELECT lower(username COLLATE "C") FROM caller) AND EXISTS (SELECT FROM correct_password)
    AND NOT $12::boolean AND la.network IN (
    SELECT own.network FROM login_attempts own
      WHERE own.username = (SELECT lower(username COLLATE "C") FROM caller) AND own.logged_in_at IS NOT NULL
    ORDER BY own.logged_in_at DESC OFFSET 3
  )
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    subject_id, changes)
  SELECT id, username, role, $4::uuid, clinic_id, $13::uuid, $14::text,
    'update_account',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN EXISTS (SELECT FROM changed) THEN 'done'
      ELSE 'refused' END,
    id,
    (SELECT (
      SELECT ('{' || string_agg(
        format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'),
          coalesce(a.value::text, 'null')),
        ',' ORDER BY coalesce(b.n, a.n)
      ) || '}')::json
      FROM json_each((SELECT row_to_json(o) FROM (SELECT email FROM locked_account) o)) WITH ORDINALITY b (key, value,
        n)
        FULL JOIN json_each((SELECT row_to_json(o) FROM (SELECT email FROM changed) o)) WITH ORDINALITY a (key, value,
          n) USING (key)
      WHERE b.value::text IS DISTINCT FROM a.value::text
    ) FROM changed)
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM locked_account) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        (SELECT row_to_json(r)::text FROM changed r) AS body,
  EXISTS (SELECT FROM correct_password WHERE is_username_changed) AS "isUsernameChanged",
  EXISTS (SELECT FROM correct_password WHERE is_role_changed) AS "isRoleChanged"
FROM token_account;
