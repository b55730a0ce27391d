-- DELETE /api/patients/:id: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 expected integer[], $5 today date, $6 excluded text[], $7 id integer, $8 request_id uuid, $9 address text
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
target AS (
  SELECT p.*, (p.owner_id = (SELECT id FROM caller)) AS can_change,
    coalesce(p.version = ANY ($4::int[]), $4::int[] IS NULL) AND NOT ARRAY[p.version::text, p.version || '.' || age_on(p.born_to, $5::date)] && $6::text[] AS is_expected_version
  FROM patients p
  WHERE p.id = $7::int AND (SELECT id FROM caller) IS NOT NULL AND (
    p.owner_id = (SELECT id FROM caller)
    OR p.owner_id IS NOT NULL AND EXISTS (
      SELECT FROM mappings m
      WHERE m.patient_id = p.id AND m.doctor_id = (SELECT doctor_id FROM caller)
    )
    OR p.owner_id IS NOT NULL AND EXISTS (SELECT FROM caller WHERE role = 'admin') AND EXISTS (
      SELECT FROM emergency_accesses ea
      WHERE ea.account_id = (SELECT id FROM caller) AND ea.patient_id = p.id AND ea.expires_at > now()
    )
  )
  FOR UPDATE
),
caller_recheck AS (
  SELECT FROM (SELECT count(*) FROM target HAVING count(*) > 0) locked, users u, sessions s
  WHERE u.id = (SELECT id FROM caller) AND u.active AND u.token_version = $1::int
    AND s.id = $2::uuid AND s.user_id = u.id
    AND s.password_version = u.password_version AND s.ended_at IS NULL AND s.expires_at > now()
  FOR SHARE OF u, s
),
successor AS (
  SELECT p.id FROM patients p
  WHERE p.id = (SELECT CASE WHEN NOT EXISTS (SELECT FROM target) THEN last_survivor($7::int) END) AND (
    p.owner_id = (SELECT id FROM caller)
    OR p.owner_id IS NOT NULL AND EXISTS (
      SELECT FROM mappings m
      WHERE m.patient_id = p.id AND m.doctor_id = (SELECT doctor_id FROM caller)
    )
    OR p.owner_id IS NOT NULL AND EXISTS (SELECT FROM caller WHERE role = 'admin') AND EXISTS (
      SELECT FROM emergency_accesses ea
      WHERE ea.account_id = (SELECT id FROM caller) AND ea.patient_id = p.id AND ea.expires_at > now()
    )
  )
),
deleted AS (
  UPDATE patients p SET owner_id = NULL, deleted_from = target.owner_id, deleted_at = now(), updated_at = now(),
    version = target.version + 1
  FROM target
  WHERE p.id = target.id AND target.can_change AND target.is_expected_version AND EXISTS (SELECT FROM caller_recheck)
  RETURNING p.id
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, patient_id)
  SELECT id, username, role, $2::uuid, $8::uuid, $9::text,
    'delete',
    CASE WHEN NOT is_accepted THEN 'refused'
      WHEN EXISTS (SELECT FROM successor) THEN 'refused'
      WHEN EXISTS (SELECT FROM deleted) THEN 'done'
      WHEN EXISTS (SELECT FROM target) THEN 'refused'
      ELSE 'not_found' END,
    $7::int
  FROM token_account
)
SELECT (SELECT can_change FROM target) AS "canChange",
  (SELECT is_expected_version FROM target) AS "isExpectedVersion", (SELECT id FROM successor) AS successor, EXISTS (SELECT FROM deleted) AS "isDeleted"
FROM caller
WHERE NOT (EXISTS (SELECT FROM target) AND NOT EXISTS (SELECT FROM caller_recheck));
