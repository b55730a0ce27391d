-- PATCH /api/appointments/:id: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 id integer, $7 changes jsonb, $8 expected integer[], $9 excluded text[], $10 request_id uuid, $11 address text
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
reopened_patient AS (
  SELECT p.id, a.doctor_id FROM appointments a JOIN patients p ON p.id = a.patient_id AND p.owner_id = a.owner_id
  WHERE a.id = $6::int AND EXISTS (
    SELECT FROM caller
    WHERE a.owner_id = caller.clinic_id AND caller.clinic_role <> 'reader'
      OR a.owner_id IS NOT NULL AND a.doctor_id = caller.doctor_id
  ) IS TRUE AND a.status = 'no_show' AND ($7::jsonb ->> 'status') = 'arrived'
  FOR KEY SHARE OF p
),
reopened_assignment AS (
  SELECT m.id FROM reopened_patient p JOIN mappings m ON m.patient_id = p.id AND m.doctor_id = p.doctor_id
  FOR KEY SHARE OF m
),
target AS (
  SELECT a.*, EXISTS (
    SELECT FROM caller
    WHERE a.owner_id = caller.clinic_id AND caller.clinic_role <> 'reader'
      OR a.owner_id IS NOT NULL AND a.doctor_id = caller.doctor_id
  ) IS TRUE AS can_change, a.owner_id = (SELECT clinic_id FROM caller) AS is_own,
    coalesce(a.version = ANY ($8::int[]), $8::int[] IS NULL)
      AND NOT ARRAY[a.version::text, a.version::text] && $9::text[] AS is_expected_version,
      (($7::jsonb ->> 'status') IS NULL OR CASE a.status
        WHEN 'booked' THEN ($7::jsonb ->> 'status') <> 'booked'
        WHEN 'arrived' THEN ($7::jsonb ->> 'status') IN ('booked', 'fulfilled', 'cancelled')
        WHEN 'no_show' THEN ($7::jsonb ->> 'status') = 'arrived' AND EXISTS (SELECT FROM reopened_assignment)
        ELSE false END) AS is_transition, CASE
      WHEN ($7::jsonb ->> 'status') IN ('arrived', 'fulfilled') THEN (now() AT TIME ZONE a.time_zone)::date >= a.day
      WHEN ($7::jsonb ->> 'status') = 'no_show' THEN now() >= a.starts_at
      ELSE true END AS is_due
  FROM appointments a
  WHERE a.id = $6::int AND EXISTS (
    SELECT FROM caller
    WHERE a.owner_id = caller.clinic_id
      OR a.owner_id IS NOT NULL AND a.doctor_id = caller.doctor_id
      OR a.owner_id IS NOT NULL AND EXISTS (
        SELECT FROM emergency_accesses ea
        WHERE ea.account_id = caller.id AND ea.patient_id = a.patient_id AND ea.expires_at > now()
          AND (caller.role = 'admin'
            OR ea.clinic_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager'))
      )
  ) AND (SELECT count(*) FROM reopened_assignment) >= 0
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
  FROM (SELECT count(*) FROM (
    SELECT FROM reopened_patient UNION ALL SELECT FROM reopened_assignment UNION ALL SELECT FROM target
  ) steps HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
changed AS (
  UPDATE appointments a SET status = coalesce(($7::jsonb ->> 'status'), a.status),
    cancel_reason = CASE WHEN ($7::jsonb ->> 'status') IS NULL THEN a.cancel_reason
      ELSE ($7::jsonb ->> 'cancel_reason') END,
    note = CASE WHEN $7::jsonb ? 'note' THEN ($7::jsonb ->> 'note') ELSE a.note END, updated_at = now(),
      version = target.version + 1
  FROM target
  WHERE a.id = target.id AND target.is_transition AND target.is_due AND target.can_change AND target.is_expected_version
    AND EXISTS (SELECT FROM caller_recheck)
  RETURNING a.*
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id, doctor_id, changes)
  SELECT id, username, role, $4::uuid, clinic_id, $10::uuid, $11::text,
    CASE WHEN ($7::jsonb ->> 'status') = 'cancelled' THEN 'cancel' ELSE 'update_appointment' END,
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN EXISTS (SELECT FROM changed) THEN 'done'
      WHEN EXISTS (SELECT FROM target) THEN 'refused'
      ELSE 'not_found' END,
    (SELECT a.patient_id FROM appointments a WHERE a.id = $6::int),
    (SELECT a.doctor_id FROM appointments a WHERE a.id = $6::int),
    (SELECT nullif('{' || concat_ws(',',
      CASE WHEN target.starts_at <> changed.starts_at
        THEN concat('"starts_at":{"before":',
          to_json(substr(to_json(target.starts_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z'),
          ',"after":',
          to_json(substr(to_json(changed.starts_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z'),
          '}') END,
      CASE WHEN target.ends_at <> changed.ends_at
        THEN concat('"ends_at":{"before":',
          to_json(substr(to_json(target.ends_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z'),
          ',"after":',
          to_json(substr(to_json(changed.ends_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z'),
          '}') END,
      CASE WHEN target.status <> changed.status
        THEN concat('"status":{"before":', to_json(target.status), ',"after":', to_json(changed.status), '}') END,
      CASE WHEN target.note IS DISTINCT FROM changed.note
        THEN concat('"note":{"before":', CASE WHEN target.note IS NULL THEN 'null' ELSE '"***"' END, ',"after":',
          CASE WHEN changed.note IS NULL THEN 'null' ELSE '"***"' END, '}') END,
      CASE WHEN target.cancel_reason IS DISTINCT FROM changed.cancel_reason
        THEN concat('"cancel_reason":{"before":', CASE WHEN target.cancel_reason IS NULL THEN 'null' ELSE '"***"' END,
          ',"after":', CASE WHEN changed.cancel_reason IS NULL THEN 'null' ELSE '"***"' END, '}') END,
      CASE WHEN target.override_reason IS DISTINCT FROM changed.override_reason
        THEN concat('"override_reason":{"before":', CASE WHEN target.override_reason IS NULL THEN 'null'
          ELSE '"***"' END, ',"after":', CASE WHEN changed.override_reason IS NULL THEN 'null' ELSE '"***"' END,
          '}') END,
      CASE WHEN target.doctor_id <> changed.doctor_id
        THEN concat('"doctor":{"before":', target.doctor_id, ',"after":', changed.doctor_id, '}') END
    ) || '}', '{}')::json FROM target, changed)
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM target) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        (SELECT can_change FROM target) AS "canChange",
  (SELECT is_expected_version FROM target) AS "isExpectedVersion",
    (SELECT is_own AND NOT can_change FROM target) AS "needsClinicRole", (SELECT status FROM target) AS status,
  (SELECT is_transition FROM target) AS "isTransition", (SELECT is_due FROM target) AS "isDue",
    (SELECT version::text FROM changed) AS etag,
  (SELECT (
    '{"id":' || a.id
    || ',"patient":' || a.patient_id
    || ',"doctor":' || a.doctor_id
    || ',"starts_at":"' || substr(to_json(a.starts_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
    || 'Z","ends_at":"' || substr(to_json(a.ends_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
    || 'Z","day":' || to_json(a.day)
    || ',"time_zone":' || to_json(a.time_zone)
    || ',"status":"' || a.status
    || '","note":' || coalesce(to_json(a.note)::text, 'null')
    || ',"cancel_reason":' || coalesce(to_json(a.cancel_reason)::text, 'null')
    || ',"override_reason":' || coalesce(to_json(a.override_reason)::text, 'null')
    || ',"created_by":' || a.created_by
    || ',"created_at":"' || substr(to_json(a.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
    || 'Z","updated_at":"' || substr(to_json(a.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
    || 'Z","version":' || a.version || '}'
  ) FROM changed a) AS body
FROM token_account;
