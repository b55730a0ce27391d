-- POST /api/calendar-feeds: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 doctor integer, $7 label text, $8 token_hash text, $9 request_id uuid, $10 address text
WITH token_account AS (
  SELECT u.id, u.username, u.role, u.doctor_id, $1::int AS clinic_id, ms.role AS clinic_role,
    coalesce((now() AT TIME ZONE nullif(ms.time_zone, ''))::date, $2::date) AS today,
    CASE WHEN NOT (NOT u.must_change_password AND u.role <> 'auditor' AND u.active AND u.token_version = $3::int) OR s.id IS NULL THEN 'token_revoked'
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
-- Before the account: deleting a doctor locks the doctor, and then the account that is linked to it.
own_doctor AS (SELECT d.id FROM doctors d WHERE d.id = $6::int AND d.id = (SELECT doctor_id FROM caller) FOR KEY SHARE),
locked_caller AS (
  SELECT CASE WHEN NOT (u.active AND u.token_version = $3::int AND s.id = $4::uuid AND s.user_id = u.id AND s.password_version = u.password_version
    AND s.ended_at IS NULL AND s.expires_at > now()) THEN 'token_revoked'
      WHEN s.clinic_id <> $1::int THEN 'clinic_changed'
      WHEN ms.ended_at IS NOT NULL THEN 'membership_ended'
      WHEN NOT ms.clinic_active
    OR array_position(ARRAY['reader', 'clerk', 'clinician', 'manager'], ms.role) < array_position(ARRAY['reader', 'clerk', 'clinician', 'manager'], (SELECT clinic_role FROM caller)) THEN 'token_revoked' END AS refusal
  FROM (SELECT count(*) FROM (
    SELECT FROM caller UNION ALL SELECT FROM own_doctor
  ) steps HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
created AS (
  INSERT INTO calendar_feeds (account_id, clinic_id, doctor_id, label, token_hash)
  SELECT id, clinic_id, $6::int, $7::text, $8::text FROM caller
  WHERE ($6::int IS NULL OR EXISTS (SELECT FROM own_doctor)) AND (
    SELECT count(*) FROM calendar_feeds cf WHERE cf.account_id = (SELECT id FROM caller) AND cf.ended_at IS NULL AND EXISTS (
      SELECT FROM users u JOIN memberships ms ON ms.account_id = u.id AND ms.clinic_id = cf.clinic_id
      WHERE u.id = cf.account_id AND u.active AND NOT u.must_change_password AND u.role <> 'auditor'
        AND (cf.doctor_id IS NULL OR cf.doctor_id = u.doctor_id)
        AND ms.ended_at IS NULL AND ms.clinic_active AND ms.created_at <= cf.created_at
    )
  ) < 20 AND EXISTS (SELECT FROM caller_recheck)
  RETURNING id, created_at
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, doctor_id, changes)
  SELECT id, username, role, $4::uuid, clinic_id, $9::uuid, $10::text,
    'feed',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN EXISTS (SELECT FROM created) THEN 'done'
      ELSE 'refused' END,
    $6::int,
    (SELECT concat('{"feed":{"before":', coalesce((NULL)::text, 'null'), ',"after":', coalesce((id)::text, 'null'), '}}')::json FROM created)
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM caller) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal, ($6::int IS NULL OR EXISTS (SELECT FROM own_doctor)) AS "isOwnDoctor", (SELECT id FROM created) AS id,
  (SELECT substr(to_json(created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' FROM created) AS created_at
FROM token_account;
