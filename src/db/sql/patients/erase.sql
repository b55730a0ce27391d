-- POST /api/patients/:id/erase: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 id integer, $5 request_id uuid, $6 address text, $7 reason text
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
locked AS (
  -- Waits for a concurrent restore or erasure and then sees its result. Shown by test/races/erase.test.ts. With those that
  -- were merged into it, in the order in which merges lock them.
  SELECT p.id, p.deleted_at, p.merged_into FROM patients p
  WHERE p.id = ANY ($4::int || merged_patients($4::int)) AND (EXISTS (SELECT FROM caller WHERE role = 'admin'))
  ORDER BY p.id
  FOR UPDATE
),
caller_recheck AS (
  SELECT FROM (SELECT count(*) FROM locked HAVING count(*) > 0) locked, users u, sessions s
  WHERE u.id = (SELECT id FROM caller) AND u.active AND u.token_version = $1::int
    AND s.id = $2::uuid AND s.user_id = u.id
    AND s.password_version = u.password_version AND s.ended_at IS NULL AND s.expires_at > now()
  FOR SHARE OF u, s
),
target AS (SELECT id, deleted_at FROM locked WHERE id = $4::int AND merged_into IS NULL),
successor AS (
  SELECT p.id FROM patients p
  WHERE p.id = (SELECT CASE WHEN NOT EXISTS (SELECT FROM target) THEN last_survivor($4::int) END) AND (EXISTS (SELECT FROM caller WHERE role = 'admin'))
),
erased AS (
  SELECT target.id, erase_patient(target.id, 5000) AS result
  FROM target WHERE target.deleted_at IS NOT NULL AND EXISTS (SELECT FROM caller_recheck)
),
response AS (
  SELECT id, result -> 'removed' AS removed,
    ARRAY(SELECT row_to_json(r) FROM (
      SELECT 'audit_events' AS what, 'They say who did what and when. They have ids and no values of the patient.' AS why
      UNION ALL SELECT 'reasons' AS what, 'The digests of the audit log cover them. They are free text, which may name the patient.' AS why
      UNION ALL SELECT 'idempotency_keys' AS what, 'For a day, so that a repeated creation or import does not bring the patient back. They have ids and a hash of the request.' AS why
      UNION ALL SELECT 'record_changes' AS what, 'For 91 days, so that programs with a copy of the records remove the patient. They have ids and versions.' AS why
      UNION ALL SELECT 'copies' AS what, 'Backups, copies of the audit log, and the free space and statistics of the database have values until they are overwritten.' AS why
    ) r) AS remained,
    (result ->> 'more')::boolean AS more
  FROM erased
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, patient_id, reason)
  SELECT id, username, role, $2::uuid, $5::uuid, $6::text,
    'erase',
    CASE WHEN NOT is_accepted THEN 'refused'
      WHEN NOT EXISTS (SELECT FROM caller WHERE role = 'admin') THEN 'refused'
      WHEN EXISTS (SELECT FROM successor) THEN 'refused'
      WHEN EXISTS (SELECT FROM erased) THEN 'done'
      WHEN EXISTS (SELECT FROM target) THEN 'refused'
      ELSE 'not_found' END,
    $4::int,
    $7::text
  FROM token_account
)
SELECT (EXISTS (SELECT FROM caller WHERE role = 'admin')) AS "isAdmin", EXISTS (SELECT FROM target) AS "isFound", (SELECT row_to_json(r)::text FROM response r) AS body, (SELECT id FROM successor) AS successor
FROM caller WHERE NOT (EXISTS (SELECT FROM locked) AND NOT EXISTS (SELECT FROM caller_recheck));
