-- POST /api/patients/:id/erase: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 id integer, $7 request_id uuid, $8 address text, $9 reason text
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
locked AS (
  -- Waits for a concurrent restore or erasure and then sees its result. Shown by test/races/erase.test.ts. With those that
  -- were merged into it, in the order in which merges lock them.
  SELECT p.id, p.deleted_at, p.merged_into FROM patients p
  WHERE p.id = ANY ($6::int || merged_patients($6::int)) AND EXISTS (SELECT FROM caller WHERE caller.role = 'admin')
  ORDER BY p.id
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
  FROM (SELECT count(*) FROM locked HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
target AS (SELECT id, deleted_at FROM locked WHERE id = $6::int AND merged_into IS NULL),
successor AS (
  SELECT p.id FROM patients p
  WHERE p.id = (SELECT CASE WHEN NOT EXISTS (SELECT FROM target) THEN last_survivor($6::int) END)
    AND EXISTS (SELECT FROM caller WHERE caller.role = 'admin')
),
erased AS (
  SELECT target.id, erase_patient(target.id, 5000) AS result
  FROM target WHERE target.deleted_at IS NOT NULL AND EXISTS (SELECT FROM caller_recheck)
),
response AS (
  SELECT id, result -> 'removed' AS removed,
    ARRAY(SELECT row_to_json(r) FROM (
      SELECT 'audit_events' AS what,
        'They say who did what and when. They have ids, times and statuses of appointments, and no other values of the patient.' AS why
      UNION ALL SELECT 'reasons' AS what,
        'The digests of the audit log cover them. They are free text, which may name the patient.' AS why
      UNION ALL SELECT 'idempotency_keys' AS what,
        'For a day, so that a repeated creation or import does not bring the patient back. They have ids and a hash of the request.' AS why
      UNION ALL SELECT 'record_changes' AS what,
        'For 91 days, so that programs with a copy of the records remove the patient. They have ids and versions.' AS why
      UNION ALL SELECT 'copies' AS what,
        'Backups, copies of the audit log, and the free space and statistics of the database have values until they are overwritten.' AS why
    ) r) AS remained,
    (result ->> 'more')::boolean AS more
  FROM erased
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id, reason)
  SELECT id, username, role, $4::uuid, clinic_id, $7::uuid, $8::text,
    'erase',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN NOT EXISTS (SELECT FROM caller WHERE role = 'admin') THEN 'refused'
      WHEN EXISTS (SELECT FROM successor) THEN 'refused'
      WHEN EXISTS (SELECT FROM erased) THEN 'done'
      WHEN EXISTS (SELECT FROM target) THEN 'refused'
      ELSE 'not_found' END,
    $6::int,
    $9::text
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM locked) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        EXISTS (SELECT FROM caller WHERE caller.role = 'admin') AS "isAdmin", EXISTS (SELECT FROM target) AS "isFound",
        (SELECT row_to_json(r)::text FROM response r) AS body, (SELECT id FROM successor) AS successor
FROM token_account;
