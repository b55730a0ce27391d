-- PATCH /api/mappings/:id: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 id integer, $7 expected integer[], $8 excluded text[], $9 changes jsonb, $10 request_id uuid, $11 address text
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
visible AS (
  SELECT m.id FROM mappings m
  WHERE m.id = $6::int AND m.owner_id IS NOT NULL AND (SELECT id FROM caller) IS NOT NULL
    AND (EXISTS (
      SELECT FROM caller
      WHERE m.owner_id = caller.clinic_id
        OR m.current_doctor_id = caller.doctor_id
    ) OR EXISTS (
      SELECT FROM caller
      WHERE m.owner_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager')
        OR caller.role = 'admin'
    ))
),
target AS (
  SELECT m.*, EXISTS (
    SELECT FROM caller
    WHERE m.owner_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager')
      OR caller.role = 'admin'
  ) AS can_change, m.owner_id = (SELECT clinic_id FROM caller) AS is_own,
    coalesce(m.version = ANY ($7::int[]), $7::int[] IS NULL)
      AND NOT ARRAY[m.version::text, m.version::text] && $8::text[] AS is_expected_version
  FROM visible, lock_assignment(visible.id) m
  WHERE m.owner_id IS NOT NULL AND (EXISTS (
    SELECT FROM caller
    WHERE m.owner_id = caller.clinic_id
      OR m.current_doctor_id = caller.doctor_id
  ) OR EXISTS (
    SELECT FROM caller
    WHERE m.owner_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager')
      OR caller.role = 'admin'
  ))
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
next AS (
  SELECT coalesce($9::jsonb ->> 'role', target.role) AS role,
    coalesce(($9::jsonb ->> 'primary')::boolean, target.is_primary) AS is_primary
  FROM target
),
former_primary AS (
  SELECT m.* FROM target, next, unset_primary(target.patient_id) m
  WHERE next.is_primary AND NOT target.is_primary AND target.can_change AND target.is_expected_version
    AND EXISTS (SELECT FROM caller_recheck)
),
changed AS (
  UPDATE mappings m SET role = next.role, is_primary = next.is_primary, version = target.version + 1
  FROM target, next, (SELECT count(*) FROM former_primary) unset
  WHERE m.id = target.id AND target.can_change AND target.is_expected_version AND EXISTS (SELECT FROM caller_recheck)
  RETURNING m.*
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id, changes)
  SELECT id, username, role, $4::uuid, clinic_id, $10::uuid, $11::text,
    'update_assignment',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN EXISTS (SELECT FROM changed) THEN 'done'
      WHEN EXISTS (SELECT FROM target) THEN 'refused'
      ELSE 'not_found' END,
    (SELECT m.patient_id FROM mappings m WHERE m.id = $6::int),
    (SELECT (
      SELECT ('{' || string_agg(
        format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'),
          coalesce(a.value::text, 'null')),
        ',' ORDER BY coalesce(b.n, a.n)
      ) || '}')::json
      FROM json_each((
        SELECT json_build_object('assignment',
          json_build_object('doctor', doctor_id, 'role', role, 'primary', is_primary))
        FROM target)) WITH ORDINALITY b (key, value, n)
        FULL JOIN json_each((
          SELECT json_build_object('assignment',
            json_build_object('doctor', doctor_id, 'role', role, 'primary', is_primary))
          FROM changed)) WITH ORDINALITY a (key, value, n) USING (key)
      WHERE b.value::text IS DISTINCT FROM a.value::text
    ) FROM changed)
  FROM token_account
),
primary_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id, changes)
  SELECT token_account.id, token_account.username, token_account.role, $4::uuid, token_account.clinic_id, $10::uuid,
    $11::text,
    'update_assignment',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      ELSE 'done' END,
    f.patient_id,
    (
      SELECT ('{' || string_agg(
        format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'),
          coalesce(a.value::text, 'null')),
        ',' ORDER BY coalesce(b.n, a.n)
      ) || '}')::json
      FROM json_each(json_build_object('assignment',
        json_build_object('doctor', f.doctor_id, 'role', f.role, 'primary', true))) WITH ORDINALITY b (key,
        value, n)
        FULL JOIN json_each(json_build_object('assignment',
          json_build_object('doctor', f.doctor_id, 'role', f.role, 'primary', false))) WITH ORDINALITY a (key,
          value, n) USING (key)
      WHERE b.value::text IS DISTINCT FROM a.value::text
    )
  FROM token_account, former_primary f
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM target) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        (SELECT can_change FROM target) AS "canChange",
  (SELECT is_expected_version FROM target) AS "isExpectedVersion",
    (SELECT is_own AND NOT can_change FROM target) AS "needsClinicRole", (SELECT version::text FROM changed) AS etag,
  (SELECT (SELECT row_to_json(o)
    FROM (SELECT m.id, m.patient_id AS patient, m.doctor_id AS doctor,
      substr(to_json(m.assigned_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS assigned_at,
      m.role, m.is_primary AS "primary", NULL AS ended_at, NULL AS ended_by, m.version) o)::text FROM changed m) AS body
FROM token_account;
