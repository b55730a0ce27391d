-- PATCH /api/mappings/:id: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 id integer, $5 expected integer[], $6 excluded text[], $7 changes jsonb, $8 request_id uuid, $9 address text
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
visible AS (
  SELECT m.id FROM mappings m
  WHERE m.id = $4::int AND m.owner_id IS NOT NULL AND (SELECT id FROM caller) IS NOT NULL
    AND (m.current_doctor_id = (SELECT doctor_id FROM caller) OR (
      m.owner_id = (SELECT id FROM caller)
      OR EXISTS (SELECT FROM caller WHERE role = 'admin')
    ))
),
target AS (
  SELECT m.*, (
    m.owner_id = (SELECT id FROM caller)
    OR EXISTS (SELECT FROM caller WHERE role = 'admin')
  ) AS can_change, coalesce(m.version = ANY ($5::int[]), $5::int[] IS NULL) AND NOT ARRAY[m.version::text, m.version::text] && $6::text[] AS is_expected_version
  FROM visible, lock_assignment(visible.id) m
  WHERE m.owner_id IS NOT NULL AND (m.current_doctor_id = (SELECT doctor_id FROM caller) OR (
    m.owner_id = (SELECT id FROM caller)
    OR EXISTS (SELECT FROM caller WHERE role = 'admin')
  ))
),
caller_recheck AS (
  SELECT FROM (SELECT count(*) FROM target HAVING count(*) > 0) locked, users u, sessions s
  WHERE u.id = (SELECT id FROM caller) AND u.active AND u.token_version = $1::int
    AND s.id = $2::uuid AND s.user_id = u.id
    AND s.password_version = u.password_version AND s.ended_at IS NULL AND s.expires_at > now()
  FOR SHARE OF u, s
),
next AS (
  SELECT coalesce($7::jsonb ->> 'role', target.role) AS role,
    coalesce(($7::jsonb ->> 'primary')::boolean, target.is_primary) AS is_primary
  FROM target
),
former_primary AS (
  SELECT m.* FROM target, next, unset_primary(target.patient_id) m
  WHERE next.is_primary AND NOT target.is_primary AND target.can_change AND target.is_expected_version AND EXISTS (SELECT FROM caller_recheck)
),
changed AS (
  UPDATE mappings m SET role = next.role, is_primary = next.is_primary, version = target.version + 1
  FROM target, next, (SELECT count(*) FROM former_primary) unset
  WHERE m.id = target.id AND target.can_change AND target.is_expected_version AND EXISTS (SELECT FROM caller_recheck)
  RETURNING m.*
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, patient_id, changes)
  SELECT id, username, role, $2::uuid, $8::uuid, $9::text,
    'update_assignment',
    CASE WHEN NOT is_accepted THEN 'refused'
      WHEN EXISTS (SELECT FROM changed) THEN 'done'
      WHEN EXISTS (SELECT FROM target) THEN 'refused'
      ELSE 'not_found' END,
    (SELECT m.patient_id FROM mappings m WHERE m.id = $4::int),
    (SELECT (
      SELECT ('{' || string_agg(
        format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'), coalesce(a.value::text, 'null')),
        ',' ORDER BY coalesce(b.n, a.n)
      ) || '}')::json
      FROM json_each((
        SELECT json_build_object('assignment', json_build_object('doctor', doctor_id, 'role', role, 'primary', is_primary))
        FROM target)) WITH ORDINALITY b (key, value, n)
        FULL JOIN json_each((
          SELECT json_build_object('assignment', json_build_object('doctor', doctor_id, 'role', role, 'primary', is_primary))
          FROM changed)) WITH ORDINALITY a (key, value, n) USING (key)
      WHERE b.value::text IS DISTINCT FROM a.value::text
    ) FROM changed)
  FROM token_account
),
primary_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, patient_id, changes)
  SELECT token_account.id, token_account.username, token_account.role, $2::uuid, $8::uuid, $9::text,
    'update_assignment',
    CASE WHEN NOT is_accepted THEN 'refused'
      ELSE 'done' END,
    f.patient_id,
    (
      SELECT ('{' || string_agg(
        format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'), coalesce(a.value::text, 'null')),
        ',' ORDER BY coalesce(b.n, a.n)
      ) || '}')::json
      FROM json_each(json_build_object('assignment', json_build_object('doctor', f.doctor_id, 'role', f.role, 'primary', true))) WITH ORDINALITY b (key, value, n)
        FULL JOIN json_each(json_build_object('assignment', json_build_object('doctor', f.doctor_id, 'role', f.role, 'primary', false))) WITH ORDINALITY a (key, value, n) USING (key)
      WHERE b.value::text IS DISTINCT FROM a.value::text
    )
  FROM token_account, former_primary f
)
SELECT (SELECT can_change FROM target) AS "canChange",
  (SELECT is_expected_version FROM target) AS "isExpectedVersion", (SELECT version::text FROM changed) AS etag,
  (SELECT (SELECT row_to_json(o) FROM (SELECT m.id, m.patient_id AS patient, m.doctor_id AS doctor, substr(to_json(m.assigned_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS assigned_at,
      m.role, m.is_primary AS "primary", NULL AS ended_at, NULL AS ended_by, m.version) o)::text FROM changed m) AS body
FROM caller WHERE NOT (EXISTS (SELECT FROM target) AND NOT EXISTS (SELECT FROM caller_recheck));
