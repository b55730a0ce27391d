-- DELETE /api/patients/:id: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 expected integer[], $7 excluded text[], $8 id integer, $9 request_id uuid, $10 address text
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
target AS (
  SELECT p.*,
    EXISTS (SELECT FROM caller
      WHERE p.owner_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager')) AS can_change,
    p.owner_id = (SELECT clinic_id FROM caller) AS is_own,
    coalesce(p.version = ANY ($6::int[]), $6::int[] IS NULL)
      AND NOT ARRAY[p.version::text,
        p.version || '.' || age_on(p.born_to, (SELECT today FROM caller))] && $7::text[] AS is_expected_version
  FROM patients p
  WHERE p.id = $8::int AND (SELECT id FROM caller) IS NOT NULL AND EXISTS (
    SELECT FROM caller
    WHERE p.owner_id = caller.clinic_id
      OR p.owner_id IS NOT NULL AND EXISTS (
        SELECT FROM mappings m
        WHERE m.patient_id = p.id AND m.doctor_id = caller.doctor_id
      )
      OR p.owner_id IS NOT NULL AND EXISTS (
        SELECT FROM emergency_accesses ea
        WHERE ea.account_id = caller.id AND ea.patient_id = p.id AND ea.expires_at > now()
          AND (caller.role = 'admin'
            OR ea.clinic_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager'))
      )
  )
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
      WHEN array_position(ARRAY['reader', 'clerk', 'clinician', 'manager'], ms.role)
        < array_position(ARRAY['reader', 'clerk', 'clinician', 'manager'], (SELECT clinic_role FROM caller))
        THEN 'token_revoked' END AS refusal
  FROM (SELECT count(*) FROM target HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
successor AS (
  SELECT p.id FROM patients p
  WHERE p.id = (SELECT CASE WHEN NOT EXISTS (SELECT FROM target) THEN last_survivor($8::int) END) AND EXISTS (
    SELECT FROM caller
    WHERE p.owner_id = caller.clinic_id
      OR p.owner_id IS NOT NULL AND EXISTS (
        SELECT FROM mappings m
        WHERE m.patient_id = p.id AND m.doctor_id = caller.doctor_id
      )
      OR p.owner_id IS NOT NULL AND EXISTS (
        SELECT FROM emergency_accesses ea
        WHERE ea.account_id = caller.id AND ea.patient_id = p.id AND ea.expires_at > now()
          AND (caller.role = 'admin'
            OR ea.clinic_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager'))
      )
  )
),
cancelled AS (
  SELECT a.id FROM target,
    cancel_appointments(ARRAY(SELECT id FROM open_appointments(ARRAY[target.id], NULL)), 'The patient was deleted.') a
  WHERE target.can_change AND target.is_expected_version AND EXISTS (SELECT FROM caller_recheck)
),
deleted AS (
  UPDATE patients p SET owner_id = NULL, deleted_from = target.owner_id, deleted_at = now(), updated_at = now(),
    version = target.version + 1
  FROM target, (SELECT count(*) FROM cancelled) cancelled
  WHERE p.id = target.id AND target.can_change AND target.is_expected_version AND EXISTS (SELECT FROM caller_recheck)
  RETURNING p.id
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id, changes)
  SELECT id, username, role, $4::uuid, clinic_id, $9::uuid, $10::text,
    'delete',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN EXISTS (SELECT FROM successor) THEN 'refused'
      WHEN EXISTS (SELECT FROM deleted) THEN 'done'
      WHEN EXISTS (SELECT FROM target) THEN 'refused'
      ELSE 'not_found' END,
    $8::int,
    (
      SELECT json_build_object('appointments',
        json_build_object('before', json_agg(id ORDER BY id), 'after', '[]'::json))
      FROM cancelled HAVING count(*) > 0)
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM target) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        (SELECT can_change FROM target) AS "canChange",
  (SELECT is_expected_version FROM target) AS "isExpectedVersion",
    (SELECT is_own AND NOT can_change FROM target) AS "needsClinicRole", (SELECT id FROM successor) AS successor,
    EXISTS (SELECT FROM deleted) AS "isDeleted"
FROM token_account;
