-- DELETE /api/doctors/:id: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 expected integer[], $7 excluded text[], $8 id integer, $9 request_id uuid, $10 address text
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
  SELECT d.*, EXISTS (
    SELECT FROM caller
    WHERE d.created_by = caller.id
      OR caller.role = 'admin'
  ) AS can_change,
    coalesce(d.version = ANY ($6::int[]), $6::int[] IS NULL)
      AND NOT ARRAY[d.version::text, d.version::text] && $7::text[] AS is_expected_version
  FROM doctors d WHERE d.id = $8::int AND EXISTS (SELECT FROM caller WHERE true) AND (SELECT id FROM caller) IS NOT NULL
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
reserved AS (
  SELECT FROM target WHERE true
    AND target.can_change AND NOT EXISTS (SELECT FROM caller WHERE role = 'admin')
    AND doctor_relied_on(target.id, (SELECT id FROM caller))
),
-- The foreign key unlinks them.
linked_accounts AS (SELECT doctor_accounts(target.id) AS account FROM target),
deleted AS (
  DELETE FROM doctors d USING target
  WHERE d.id = target.id AND target.can_change AND target.is_expected_version AND EXISTS (SELECT FROM caller_recheck)
    AND NOT EXISTS (SELECT FROM reserved)
    AND NOT EXISTS (SELECT FROM mappings m WHERE m.current_doctor_id = $8::int)
      AND NOT EXISTS (SELECT FROM appointments a WHERE a.doctor_id = $8::int)
  RETURNING d.id
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    doctor_id, changes)
  SELECT id, username, role, $4::uuid, clinic_id, $9::uuid, $10::text,
    'delete',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN EXISTS (SELECT FROM deleted) THEN 'done'
      WHEN EXISTS (SELECT FROM target) THEN 'refused'
      ELSE 'not_found' END,
    $8::int,
    (SELECT (
      SELECT ('{' || string_agg(
        format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'),
          coalesce(a.value::text, 'null')),
        ',' ORDER BY coalesce(b.n, a.n)
      ) || '}')::json
      FROM json_each((SELECT row_to_json(o)
        FROM (SELECT firstname, lastname, email, gender, specialization, max_appointments_per_day, active, email_shared,
          phones FROM target) o)) WITH ORDINALITY b (key,
        value, n)
        FULL JOIN json_each(NULL) WITH ORDINALITY a (key, value, n) USING (key)
      WHERE b.value::text IS DISTINCT FROM a.value::text
    ) FROM deleted)
  FROM token_account
),
unlink_events AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    subject_id, changes)
  SELECT token_account.id, token_account.username, token_account.role, $4::uuid, token_account.clinic_id, $9::uuid,
    $10::text,
    'update_account',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      ELSE 'done' END,
    linked_accounts.account,
    json_build_object('doctor', json_build_object('before', deleted.id, 'after', NULL))
  FROM token_account, deleted, linked_accounts
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM target) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        (SELECT can_change FROM target) AS "canChange",
  (SELECT is_expected_version FROM target) AS "isExpectedVersion", EXISTS (SELECT FROM reserved) AS "needsAdmin",
    (SELECT count(*)::int FROM mappings m WHERE m.current_doctor_id = $8::int) AS assigned,
  EXISTS (SELECT FROM appointments a WHERE a.doctor_id = $8::int) AS "hasAppointments",
    EXISTS (SELECT FROM deleted) AS "isDeleted"
FROM token_account;
