-- POST /api/doctors/:id/reassign: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 id integer, $7 patients integer[], $8 reason text, $9 to integer, $10 cancels boolean, $11 request_id uuid, $12 address text
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
batch AS (
  SELECT patient_id FROM (
    (
      SELECT m.patient_id FROM mappings m
      WHERE m.current_doctor_id = $6::int AND m.owner_id = (SELECT clinic_id FROM caller)
        AND NOT EXISTS (SELECT FROM caller WHERE role = 'admin')
        AND ($7::int[] IS NULL OR m.patient_id = ANY ($7::int[]))
      ORDER BY m.patient_id LIMIT 1000
    )
    UNION ALL (
      SELECT m.patient_id FROM mappings m
      WHERE m.current_doctor_id = $6::int AND EXISTS (SELECT FROM caller WHERE role = 'admin')
        AND ($7::int[] IS NULL OR m.patient_id = ANY ($7::int[]))
      ORDER BY m.patient_id LIMIT 1000
    )
  ) candidates
  WHERE EXISTS (
    SELECT FROM caller
    WHERE caller.clinic_role = 'manager'
      OR caller.role = 'admin'
  ) AND NOT (EXISTS (SELECT FROM caller WHERE role = 'admin') AND $8::text IS NULL)
),
locked_patients AS (
  SELECT p.id FROM patients p WHERE p.id = ANY (ARRAY(SELECT patient_id FROM batch)) ORDER BY p.id
  FOR NO KEY UPDATE
),
receiver AS (
  -- Locked, so that no patient is assigned to a doctor whom a concurrent request makes inactive or deletes.
  SELECT d.id FROM doctors d
    WHERE d.id = $9::int AND d.id <> $6::int AND d.active AND (SELECT count(*) FROM locked_patients) >= 0
  FOR SHARE
),
locked_assignments AS (
  SELECT m.id, m.patient_id FROM mappings m, locked_patients, receiver
  WHERE m.patient_id = locked_patients.id AND m.doctor_id = $6::int AND m.owner_id IS NOT NULL
    AND (EXISTS (SELECT FROM caller WHERE role = 'admin') OR m.owner_id = (SELECT clinic_id FROM caller))
  ORDER BY m.patient_id
  FOR UPDATE OF m
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
    SELECT FROM caller UNION ALL SELECT FROM locked_patients UNION ALL SELECT FROM receiver UNION ALL SELECT
      FROM locked_assignments
  ) steps HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
found AS (SELECT d.id FROM doctors d WHERE d.id = $6::int AND EXISTS (
  SELECT FROM caller
  WHERE caller.clinic_role = 'manager'
    OR caller.role = 'admin'
) AND NOT (EXISTS (SELECT FROM caller WHERE role = 'admin') AND $8::text IS NULL)
  AND EXISTS (SELECT FROM caller_recheck)),
open_appointment AS (
  SELECT a.* FROM found, open_appointments(ARRAY(SELECT patient_id FROM locked_assignments), $6::int) a
),
cancelled AS (
  SELECT a.id, a.patient_id
  FROM cancel_appointments(CASE WHEN $10::boolean THEN ARRAY(SELECT id FROM open_appointment) END,
    'The doctor has left.') a
),
deleted AS (
  DELETE FROM mappings m USING locked_assignments, found, (SELECT count(*) FROM cancelled) cancelled
  WHERE m.id = locked_assignments.id AND ($10::boolean OR NOT EXISTS (SELECT FROM open_appointment))
  RETURNING m.*
),
ended AS (
  INSERT INTO ended_assignments (id, patient_id, owner_id, doctor_id, doctor_name, role, is_primary, version,
    assigned_at, ended_by)
  SELECT m.id, m.patient_id, m.owner_id, m.doctor_id,
    (SELECT btrim(d.firstname || ' ' || d.lastname) FROM doctors d WHERE d.id = m.doctor_id), m.role, m.is_primary,
    m.version + 1, m.assigned_at, (SELECT id FROM caller)
  FROM deleted m
),
created AS (
  INSERT INTO mappings (id, patient_id, owner_id, doctor_id, assigned_at, role, is_primary) OVERRIDING SYSTEM VALUE
  SELECT nextval('mappings_id_seq'), patient_id, owner_id, $9::int, now(), role, is_primary FROM deleted
  ON CONFLICT (patient_id, doctor_id) DO UPDATE SET is_primary = mappings.is_primary OR EXCLUDED.is_primary,
    version = mappings.version + (EXCLUDED.is_primary AND NOT mappings.is_primary)::int
  RETURNING patient_id, xmax = 0 AS is_new
),
gained_primary AS (
  SELECT array_agg(patient_id ORDER BY patient_id) AS patients
  FROM created JOIN deleted USING (patient_id) WHERE NOT is_new AND deleted.is_primary
),
response AS (
  SELECT (SELECT count(*)::int FROM created WHERE is_new) AS reassigned,
    (SELECT count(*)::int FROM created WHERE NOT is_new) AS already,
    (SELECT count(*)::int FROM cancelled) AS cancelled,
    (SELECT count(*) FROM batch) = 1000 AND $7::int[] IS NULL AS more
  FROM found, receiver
  WHERE $10::boolean OR NOT EXISTS (SELECT FROM open_appointment)
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patients, doctor_id, changes, reason)
  SELECT id, username, role, $4::uuid, clinic_id, $11::uuid, $12::text,
    'assign',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN NOT EXISTS (
        SELECT FROM caller
        WHERE caller.clinic_role = 'manager'
          OR caller.role = 'admin'
      ) THEN 'refused'
      WHEN EXISTS (SELECT FROM response) THEN 'done'
      ELSE 'refused' END,
    ARRAY(SELECT patient_id FROM created WHERE is_new ORDER BY patient_id),
    $6::int,
    (SELECT json_build_object('doctor', json_build_object('before', $6::int, 'after', $9::int)) FROM response),
    $8::text
  FROM token_account
),
unassign_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patients, doctor_id, changes, reason)
  SELECT token_account.id, token_account.username, token_account.role, $4::uuid, token_account.clinic_id, $11::uuid,
    $12::text,
    'unassign',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      ELSE 'done' END,
    ARRAY(SELECT patient_id FROM created WHERE NOT is_new ORDER BY patient_id),
    $6::int,
    json_build_object('doctor', json_build_object('before', $6::int, 'after', NULL)),
    $8::text
  FROM token_account, response WHERE already > 0
),
primary_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patients, doctor_id, changes, reason)
  SELECT token_account.id, token_account.username, token_account.role, $4::uuid, token_account.clinic_id, $11::uuid,
    $12::text,
    'update_assignment',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      ELSE 'done' END,
    gained_primary.patients,
    $9::int,
    (
      SELECT ('{' || string_agg(
        format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'),
          coalesce(a.value::text, 'null')),
        ',' ORDER BY coalesce(b.n, a.n)
      ) || '}')::json
      FROM json_each(json_build_object('assignment',
        json_build_object('doctor', $9::int, 'primary', false))) WITH ORDINALITY b (key,
        value, n)
        FULL JOIN json_each(json_build_object('assignment',
          json_build_object('doctor', $9::int, 'primary', true))) WITH ORDINALITY a (key,
          value, n) USING (key)
      WHERE b.value::text IS DISTINCT FROM a.value::text
    ),
    $8::text
  FROM token_account, gained_primary WHERE patients IS NOT NULL
),
cancel_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patients, doctor_id, changes, reason)
  SELECT token_account.id, token_account.username, token_account.role, $4::uuid, token_account.clinic_id, $11::uuid,
    $12::text,
    'cancel',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      ELSE 'done' END,
    ARRAY(SELECT DISTINCT patient_id FROM cancelled ORDER BY patient_id),
    $6::int,
    (
      SELECT json_build_object('appointments',
        json_build_object('before', json_agg(id ORDER BY id), 'after', '[]'::json))
      FROM cancelled HAVING count(*) > 0),
    $8::text
  FROM token_account, response WHERE cancelled > 0
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM caller) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal, EXISTS (
        SELECT FROM caller
        WHERE caller.clinic_role = 'manager'
          OR caller.role = 'admin'
      ) AS "isAllowed", (EXISTS (SELECT FROM caller WHERE role = 'admin') AND $8::text IS NULL) AS "needsReason",
  EXISTS (SELECT FROM found) AS "isFound", EXISTS (SELECT FROM receiver) AS "isReceiver",
  (
    SELECT json_build_object('appointments', coalesce(json_agg(a.id ORDER BY a.id) FILTER (WHERE EXISTS (
      SELECT FROM caller
      WHERE a.owner_id = caller.clinic_id
        OR a.owner_id IS NOT NULL AND a.doctor_id = caller.doctor_id
    )), '[]'),
      'others', count(*) FILTER (WHERE NOT EXISTS (
        SELECT FROM caller
        WHERE a.owner_id = caller.clinic_id
          OR a.owner_id IS NOT NULL AND a.doctor_id = caller.doctor_id
    )))
    FROM open_appointment a HAVING count(*) > 0
  ) AS "openAppointments", (SELECT row_to_json(r)::text FROM response r) AS body
FROM token_account;
