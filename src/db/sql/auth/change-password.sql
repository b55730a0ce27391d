-- POST /api/auth/password: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 password_hash text, $7 new_hash text, $8 days integer, $9 user_agent text, $10 address text, $11 token_hash text, $12 network text, $13 wide_network text, $14 isOwnNetwork boolean, $15 request_id uuid
WITH token_account AS (
  SELECT u.id, u.username, u.role, u.doctor_id, $1::int AS clinic_id, ms.role AS clinic_role,
    coalesce((now() AT TIME ZONE nullif(ms.time_zone, ''))::date, $2::date) AS today,
    CASE WHEN NOT (u.active AND u.token_version = $3::int) OR s.id IS NULL
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
locked_account AS (SELECT u.id FROM users u WHERE u.id = (SELECT id FROM caller) FOR NO KEY UPDATE),
sessions_lock AS (
  -- The lock of the trigger sessions_bounded. A login takes it before it deletes old sessions; to take it after this
  -- statement has locked them would be a deadlock. Shown by test/races/password-changes.test.ts.
  SELECT pg_advisory_xact_lock(7205883, id) FROM locked_account
),
locked_sessions AS (
  -- Before the membership, as the deletion of a clinic locks them. Shown by test/races/lock-order.test.ts.
  SELECT s.id FROM sessions s
  WHERE s.id = ANY (ARRAY(
    SELECT of_account.id FROM sessions of_account
      WHERE of_account.user_id = (SELECT id FROM caller) AND of_account.ended_at IS NULL
  )) AND s.ended_at IS NULL AND (SELECT count(*) FROM sessions_lock) > 0
  ORDER BY s.id
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
  FROM (SELECT count(*) FROM locked_sessions HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
correct_password AS (SELECT FROM users u WHERE u.id = (SELECT id FROM caller) AND u.password_hash = $6::text),
changed AS (
  UPDATE users u SET password_hash = $7::text, password_version = u.password_version + 1, password_trimmed = false,
    password_prehashed = true, must_change_password = false, updated_at = now()
  WHERE u.id = (SELECT id FROM caller) AND u.password_hash = $6::text AND $7::text IS NOT NULL
    AND EXISTS (SELECT FROM caller_recheck)
  RETURNING u.id, (SELECT clinic_id FROM caller) AS clinic_id, u.token_version, u.password_version
),
ended_sessions AS (
  UPDATE sessions s SET ended_at = now() FROM locked_sessions
  WHERE s.id = locked_sessions.id AND EXISTS (SELECT FROM changed)
),
new_session AS (
  INSERT INTO sessions (
    user_id, clinic_id, token_version, password_version, expires_at, user_agent, last_address, last_user_agent)
  SELECT id, clinic_id, token_version, password_version, now() + make_interval(days => $8::int), $9::text,
    nullif($10::text, ''), $9::text
  FROM changed WHERE clinic_id IS NOT NULL
  RETURNING user_id, id AS session_id, clinic_id, token_version
),
new_token AS (
  INSERT INTO refresh_tokens (token_hash, session_id) SELECT $11::text, session_id FROM new_session
),
counters AS (
  SELECT * FROM (VALUES
    ('', $12::text),
    ('', $13::text),
    ((SELECT lower(username COLLATE "C") FROM caller), ''),
    ((SELECT lower(username COLLATE "C") FROM caller), $12::text)
  ) keys (username, network)
  WHERE (keys.username <> '' AND keys.network <> '') = $14::boolean
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
  SELECT (SELECT lower(username COLLATE "C") FROM caller), $12::text, 0, now(), 'epoch'::timestamptz, now()
  WHERE EXISTS (SELECT FROM correct_password) AND NOT $14::boolean
  ON CONFLICT (username, network) DO UPDATE SET logged_in_at = now()
),
removed_networks AS (
  DELETE FROM login_attempts la
  WHERE la.username = (SELECT lower(username COLLATE "C") FROM caller) AND EXISTS (SELECT FROM correct_password)
    AND NOT $14::boolean AND la.network IN (
    SELECT own.network FROM login_attempts own
      WHERE own.username = (SELECT lower(username COLLATE "C") FROM caller) AND own.logged_in_at IS NOT NULL
    ORDER BY own.logged_in_at DESC OFFSET 3
  )
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome)
  SELECT id, username, role, $4::uuid, clinic_id, $15::uuid, $10::text,
    'change_password',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN EXISTS (SELECT FROM changed) THEN 'done'
      ELSE 'refused' END
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM locked_account) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        (SELECT session_id FROM new_session) AS session_id
FROM token_account;
