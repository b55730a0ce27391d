-- POST /api/patients/:id/access: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 id integer, $7 allows_members boolean, $8 reason text, $9 request_id uuid, $10 address text
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
kept_patient AS (
  -- The lock of the foreign key, before the caller is locked. Shown by test/races/lock-order.test.ts.
  SELECT p.id FROM patients p WHERE p.id = $6::int AND p.owner_id IS NOT NULL AND EXISTS (
    SELECT FROM caller
    WHERE caller.role = 'admin'
      OR $7::boolean AND caller.clinic_role IN ('clinician', 'manager') AND caller.clinic_id <> caller.id
  )
  FOR KEY SHARE
),
locked_caller AS (
  SELECT CASE WHEN NOT (u.active AND u.token_version = $3::int)
    OR NOT (s.id = $4::uuid AND s.user_id = u.id AND s.password_version = u.password_version
    AND s.ended_at IS NULL AND s.expires_at > now())
      THEN 'token_revoked'
      WHEN s.clinic_id <> $1::int THEN 'clinic_changed'
      WHEN ms.ended_at IS NOT NULL THEN 'membership_ended'
      WHEN NOT ms.clinic_active THEN 'token_revoked'
      WHEN array_position(ARRAY['reader', 'clerk', 'clinician', 'manager'], ms.role)
        < array_position(ARRAY['reader', 'clerk', 'clinician', 'manager'], (SELECT clinic_role FROM caller))
        THEN 'token_revoked' END AS refusal
  FROM (SELECT count(*) FROM (
    SELECT FROM caller UNION ALL SELECT FROM kept_patient
  ) steps HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
granted AS (
  INSERT INTO emergency_accesses (account_id, patient_id, expires_at, clinic_id, reason)
  SELECT (SELECT id FROM caller), p.id, now() + interval '1 hour',
    CASE WHEN NOT EXISTS (SELECT FROM caller WHERE role = 'admin') THEN (SELECT clinic_id FROM caller) END, $8::text
  FROM kept_patient p WHERE EXISTS (SELECT FROM caller_recheck)
  ON CONFLICT (account_id, patient_id) DO UPDATE SET expires_at = EXCLUDED.expires_at, clinic_id = EXCLUDED.clinic_id,
    reason = EXCLUDED.reason
  RETURNING patient_id, expires_at
),
successor AS (
  SELECT p.id FROM patients p
  WHERE p.id = (SELECT CASE WHEN NOT EXISTS (SELECT FROM granted) THEN last_survivor($6::int) END)
    AND p.owner_id IS NOT NULL AND EXISTS (
    SELECT FROM caller
    WHERE caller.role = 'admin'
      OR $7::boolean AND caller.clinic_role IN ('clinician', 'manager') AND caller.clinic_id <> caller.id
  )
),
response AS (
  SELECT ea.patient_id AS patient, $8::text AS reason,
    substr(to_json(ea.expires_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS expires_at
  FROM granted ea
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id, reason)
  SELECT id, username, role, $4::uuid, clinic_id, $9::uuid, $10::text,
    'break_glass',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN NOT EXISTS (
        SELECT FROM caller
        WHERE caller.role = 'admin'
          OR $7::boolean AND caller.clinic_role IN ('clinician', 'manager') AND caller.clinic_id <> caller.id
      ) THEN 'refused'
      WHEN EXISTS (SELECT FROM successor) THEN 'refused'
      WHEN EXISTS (SELECT FROM granted) THEN 'done'
      ELSE 'not_found' END,
    $6::int,
    $8::text
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM caller) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal, EXISTS (
        SELECT FROM caller
        WHERE caller.role = 'admin'
          OR $7::boolean AND caller.clinic_role IN ('clinician', 'manager') AND caller.clinic_id <> caller.id
      ) AS "isAllowed", (SELECT row_to_json(r)::text FROM response r) AS body, (SELECT id FROM successor) AS successor
FROM token_account;
