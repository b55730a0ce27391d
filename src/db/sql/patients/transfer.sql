-- POST /api/patients/:id/transfer: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 to integer, $7 id integer, $8 request_id uuid, $9 address text, $10 reason text
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
to_account AS (SELECT u.id FROM users u WHERE u.id = $6::int AND u.active AND u.role <> 'auditor'),
target AS (
  -- Waits for a concurrent change and then sees its result. Shown by test/races/ownership.test.ts.
  SELECT p.id, p.owner_id, EXISTS (
    SELECT FROM patients other
    WHERE email_key(other.email) COLLATE "C" = email_key(p.email) COLLATE "C" AND other.owner_id = $6::int AND other.id <> p.id
      AND NOT (p.email_shared OR other.email_shared)) AS email_taken,
    (
      SELECT own.system FROM patient_identifiers own
        JOIN patient_identifiers other ON other.key = own.key AND other.system = own.system
      WHERE own.patient_id = p.id AND other.owner_id = $6::int AND other.patient_id <> p.id LIMIT 1) AS taken_system
  FROM patients p WHERE p.id = $7::int AND p.owner_id IS NOT NULL AND (EXISTS (SELECT FROM caller WHERE role = 'admin'))
  FOR UPDATE
),
caller_recheck AS (
  SELECT FROM (SELECT count(*) FROM target HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND u.active AND u.token_version = $3::int
    AND s.id = $4::uuid AND s.user_id = u.id AND s.password_version = u.password_version
    AND s.ended_at IS NULL AND s.expires_at > now()
    AND s.clinic_id = $1::int AND ms.clinic_id = $1::int AND ms.account_id = u.id AND ms.ended_at IS NULL AND ms.clinic_active
  FOR SHARE OF u, s, ms
),
successor AS (
  SELECT p.id FROM patients p
  WHERE p.id = (SELECT CASE WHEN NOT EXISTS (SELECT FROM target) THEN last_survivor($7::int) END) AND p.owner_id IS NOT NULL AND (EXISTS (SELECT FROM caller WHERE role = 'admin'))
),
transferred AS (
  UPDATE patients p SET owner_id = to_account.id, updated_at = now(), version = p.version + 1
  FROM target, to_account
  WHERE p.id = target.id AND target.owner_id <> to_account.id AND NOT target.email_taken AND target.taken_system IS NULL AND EXISTS (SELECT FROM caller_recheck)
  RETURNING p.owner_id
),
response AS (SELECT target.id, to_account.id AS owner FROM target, to_account
  WHERE NOT target.email_taken AND target.taken_system IS NULL),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, patient_id, changes, reason)
  SELECT id, username, role, $4::uuid, clinic_id, $8::uuid, $9::text,
    CASE WHEN EXISTS (SELECT FROM response) AND EXISTS (SELECT FROM caller_recheck) AND NOT EXISTS (SELECT FROM transferred)
      THEN 'replay' ELSE 'transfer' END,
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN NOT EXISTS (SELECT FROM caller WHERE role = 'admin') THEN 'refused'
      WHEN NOT EXISTS (SELECT FROM to_account) OR EXISTS (SELECT FROM target WHERE email_taken OR taken_system IS NOT NULL OR NOT EXISTS (SELECT FROM caller_recheck))
        THEN 'refused'
      WHEN EXISTS (SELECT FROM successor) THEN 'refused'
      WHEN EXISTS (SELECT FROM target) THEN 'done'
      ELSE 'not_found' END,
    $7::int,
    (
      SELECT json_build_object('owner', json_build_object('before', target.owner_id, 'after', transferred.owner_id))
      FROM target, transferred),
    $10::text
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM target) AND NOT EXISTS (SELECT FROM caller_recheck) THEN 'token_revoked' END AS refusal, (EXISTS (SELECT FROM caller WHERE role = 'admin')) AS "isAdmin", EXISTS (SELECT FROM to_account) AS "toAccount", (SELECT id FROM successor) AS successor,
  EXISTS (SELECT FROM target WHERE email_taken) AS "isEmailTaken", (SELECT taken_system FROM target) AS "takenSystem",
  (SELECT row_to_json(r)::text FROM response r) AS body
FROM token_account;
