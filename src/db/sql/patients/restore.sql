-- POST /api/patients/:id/restore: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 id integer, $7 partial boolean, $8 request_id uuid, $9 address text
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
found AS (
  -- Waits for a concurrent restore or deletion and then sees its result. Shown by test/races/ownership.test.ts.
  SELECT p.id, p.deleted_from, coalesce(EXISTS (
    SELECT FROM caller
    WHERE p.owner_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager')
      OR p.deleted_from = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager')
      OR p.deleted_at IS NOT NULL AND caller.role = 'admin'
  ), false) AS can_restore, EXISTS (
    SELECT FROM patients other
    WHERE email_key(other.email) COLLATE "C" = email_key(p.email) COLLATE "C" AND other.owner_id = p.deleted_from
      AND other.id <> p.id
      AND NOT (p.email_shared OR other.email_shared)) AS email_taken,
    (
      SELECT own.system FROM patient_identifiers own
        JOIN patient_identifiers other ON other.key = own.key AND other.system = own.system
      WHERE own.patient_id = p.id AND other.owner_id = p.deleted_from
        AND other.patient_id <> p.id LIMIT 1) AS taken_system
  FROM patients p WHERE p.id = $6::int AND EXISTS (
    SELECT FROM caller
    WHERE p.owner_id = caller.clinic_id
      OR p.deleted_from = caller.clinic_id
      OR p.deleted_at IS NOT NULL AND caller.role = 'admin'
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
  FROM (SELECT count(*) FROM found HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
successor AS (
  SELECT p.id FROM patients p
  WHERE p.id = (SELECT CASE WHEN NOT EXISTS (SELECT FROM found) THEN last_survivor($6::int) END) AND EXISTS (
    SELECT FROM caller
    WHERE p.owner_id = caller.clinic_id
      OR p.deleted_from = caller.clinic_id
      OR p.deleted_at IS NOT NULL AND caller.role = 'admin'
  )
),
patient_assignments AS (
  SELECT m.id, m.doctor_id, EXISTS (SELECT FROM doctors d WHERE d.id = m.doctor_id) AS has_doctor
  FROM found JOIN mappings m ON m.patient_id = found.id
),
restore_conflict AS (
  SELECT FROM found
  WHERE NOT can_restore OR email_taken OR taken_system IS NOT NULL OR NOT EXISTS (SELECT FROM caller_recheck)
    OR EXISTS (SELECT FROM patient_assignments WHERE NOT has_doctor) AND NOT $7::boolean
),
restored AS (
  UPDATE patients p SET owner_id = found.deleted_from, deleted_from = NULL, deleted_at = NULL, updated_at = now(),
    version = p.version + 1
  FROM found
  WHERE p.id = found.id AND found.deleted_from IS NOT NULL AND NOT EXISTS (SELECT FROM restore_conflict)
  RETURNING p.id
),
deleted_assignments AS (
  -- The trigger patients_restored (drizzle/0004_owners.sql) restores the other assignments.
  DELETE FROM mappings m USING patient_assignments a, restored
  WHERE m.id = a.id AND NOT a.has_doctor
),
response AS (
  SELECT id, ARRAY(SELECT doctor_id FROM patient_assignments WHERE has_doctor ORDER BY doctor_id) AS doctors
  FROM found WHERE NOT EXISTS (SELECT FROM restore_conflict)
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id, changes)
  SELECT id, username, role, $4::uuid, clinic_id, $8::uuid, $9::text,
    CASE WHEN EXISTS (SELECT FROM response) AND EXISTS (SELECT FROM caller_recheck)
      AND NOT EXISTS (SELECT FROM restored)
      THEN 'replay' ELSE 'restore' END,
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN EXISTS (SELECT FROM restore_conflict) THEN 'refused' WHEN EXISTS (SELECT FROM successor) THEN 'refused'
      WHEN EXISTS (SELECT FROM found) THEN 'done'
      ELSE 'not_found' END,
    $6::int,
    (
      SELECT json_build_object('doctors', json_build_object(
        'before', ARRAY(SELECT doctor_id FROM patient_assignments ORDER BY doctor_id),
        'after', ARRAY(SELECT doctor_id FROM patient_assignments WHERE has_doctor ORDER BY doctor_id)))
      FROM restored WHERE EXISTS (SELECT FROM patient_assignments WHERE NOT has_doctor))
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM found) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        (SELECT can_restore FROM found) AS "canRestore", (SELECT row_to_json(r)::text FROM response r) AS body,
        (SELECT id FROM successor) AS successor,
  EXISTS (SELECT FROM found WHERE email_taken) AS "isEmailTaken",
  (SELECT taken_system FROM found) AS "takenSystem",
  ARRAY(SELECT doctor_id FROM patient_assignments WHERE NOT has_doctor ORDER BY doctor_id) AS "missingDoctors"
FROM token_account;
