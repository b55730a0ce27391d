-- DELETE /api/doctors/:id: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 expected integer[], $5 excluded text[], $6 id integer, $7 request_id uuid, $8 address text
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
  SELECT d.*, (
    d.created_by = (SELECT id FROM caller)
    OR EXISTS (SELECT FROM caller WHERE role = 'admin')
  ) AS can_change, coalesce(d.version = ANY ($4::int[]), $4::int[] IS NULL) AND NOT ARRAY[d.version::text, d.version::text] && $5::text[] AS is_expected_version
  FROM doctors d WHERE d.id = $6::int AND (true) AND (SELECT id FROM caller) IS NOT NULL
  FOR UPDATE
),
caller_recheck AS (
  SELECT FROM (SELECT count(*) FROM target HAVING count(*) > 0) locked, users u, sessions s
  WHERE u.id = (SELECT id FROM caller) AND u.active AND u.token_version = $1::int
    AND s.id = $2::uuid AND s.user_id = u.id
    AND s.password_version = u.password_version AND s.ended_at IS NULL AND s.expires_at > now()
  FOR SHARE OF u, s
),
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
    AND NOT EXISTS (SELECT FROM mappings m WHERE m.current_doctor_id = $6::int)
  RETURNING d.id
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, doctor_id, changes)
  SELECT id, username, role, $2::uuid, $7::uuid, $8::text,
    'delete',
    CASE WHEN NOT is_accepted THEN 'refused'
      WHEN EXISTS (SELECT FROM deleted) THEN 'done'
      WHEN EXISTS (SELECT FROM target) THEN 'refused'
      ELSE 'not_found' END,
    $6::int,
    (SELECT (
      SELECT ('{' || string_agg(
        format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'), coalesce(a.value::text, 'null')),
        ',' ORDER BY coalesce(b.n, a.n)
      ) || '}')::json
      FROM json_each((SELECT row_to_json(o) FROM (SELECT firstname, lastname, email, gender, specialization, max_appointments_per_day, active, email_shared, phones FROM target) o)) WITH ORDINALITY b (key, value, n)
        FULL JOIN json_each(NULL) WITH ORDINALITY a (key, value, n) USING (key)
      WHERE b.value::text IS DISTINCT FROM a.value::text
    ) FROM deleted)
  FROM token_account
),
unlink_events AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, subject_id, changes)
  SELECT token_account.id, token_account.username, token_account.role, $2::uuid, $7::uuid, $8::text,
    'update_account',
    CASE WHEN NOT is_accepted THEN 'refused'
      ELSE 'done' END,
    linked_accounts.account,
    json_build_object('doctor', json_build_object('before', deleted.id, 'after', NULL))
  FROM token_account, deleted, linked_accounts
)
SELECT (SELECT can_change FROM target) AS "canChange",
  (SELECT is_expected_version FROM target) AS "isExpectedVersion", EXISTS (SELECT FROM reserved) AS "needsAdmin", (SELECT count(*)::int FROM mappings m WHERE m.current_doctor_id = $6::int) AS assigned,
  EXISTS (SELECT FROM deleted) AS "isDeleted"
FROM caller WHERE NOT (EXISTS (SELECT FROM target) AND NOT EXISTS (SELECT FROM caller_recheck));
