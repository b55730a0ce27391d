-- PATCH /api/appointments/:id: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 changes jsonb, $7 id integer, $8 expected integer[], $9 excluded text[], $10 request_id uuid, $11 address text
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
requested AS (
  SELECT a.id, a.version, a.patient_id, a.owner_id, a.doctor_id AS former_doctor_id, l.*,
    l.starts_at < date_trunc('minute', now()) AND (l.starts_at, l.doctor_id) <> (a.starts_at, a.doctor_id) AS is_past,
    l.starts_at > now() + interval '366 days' AND l.starts_at <> a.starts_at AS is_too_far_ahead
  FROM appointments a, LATERAL (
    SELECT coalesce(($6::jsonb ->> 'doctor')::int, a.doctor_id) AS doctor_id,
      coalesce(($6::jsonb ->> 'starts_at')::timestamptz, a.starts_at) AS starts_at,
      coalesce(make_interval(mins => ($6::jsonb ->> 'minutes')::int), a.ends_at - a.starts_at) AS length
  ) l
  WHERE a.id = $7::int AND EXISTS (
    SELECT FROM caller
    WHERE a.owner_id = caller.clinic_id
      OR a.owner_id IS NOT NULL AND a.doctor_id = caller.doctor_id
      OR a.owner_id IS NOT NULL AND EXISTS (
        SELECT FROM emergency_accesses ea
        WHERE ea.account_id = caller.id AND ea.patient_id = a.patient_id AND ea.expires_at > now()
          AND (caller.role = 'admin'
            OR ea.clinic_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager'))
      )
  ) AND (EXISTS (
    SELECT FROM caller
    WHERE a.owner_id = caller.clinic_id AND caller.clinic_role <> 'reader'
      OR a.owner_id IS NOT NULL AND a.doctor_id = caller.doctor_id
  ) IS TRUE
    AND (EXISTS (SELECT FROM caller WHERE a.owner_id = caller.clinic_id AND caller.clinic_role <> 'reader')
      OR coalesce(($6::jsonb ->> 'doctor')::int, a.doctor_id) IS NOT DISTINCT
      FROM (SELECT doctor_id FROM caller)))
      AND a.status = 'booked' AND coalesce(a.version = ANY ($8::int[]), $8::int[] IS NULL)
      AND NOT ARRAY[a.version::text, a.version::text] && $9::text[]
),
patient AS (
  SELECT p.id, p.owner_id FROM requested, patients p
  WHERE p.id = requested.patient_id AND p.owner_id = requested.owner_id
  FOR KEY SHARE OF p
),
doctor AS (
  -- Locked, so that it is not made inactive and keeps its limit.
  SELECT d.id, d.active, (EXISTS (
    SELECT FROM caller
    WHERE caller.clinic_role = 'manager'
      OR d.id = caller.doctor_id
  )
    AND ((SELECT owner_id FROM patient) = (SELECT clinic_id FROM caller)
      OR d.id = (SELECT doctor_id FROM caller))) IS TRUE AS may_override
    FROM doctors d
  WHERE d.id = (SELECT doctor_id FROM requested) AND EXISTS (SELECT FROM patient)
  FOR SHARE
),
assignments AS (
  -- Also the one that it leaves: who ends that one, and cancels its appointments, must see this one or not.
  SELECT m.patient_id, m.doctor_id FROM requested, patient, doctor, mappings m
  WHERE m.patient_id = patient.id AND m.doctor_id IN (doctor.id, requested.former_doctor_id)
  ORDER BY m.id
  FOR KEY SHARE OF m
),
movable AS (
  SELECT requested.* FROM requested, doctor
  WHERE EXISTS (SELECT FROM assignments WHERE doctor_id = requested.doctor_id) AND doctor.active
    AND (($6::jsonb ->> 'override_reason') IS NULL OR doctor.may_override) AND NOT requested.is_past
      AND NOT requested.is_too_far_ahead
),
calendars AS (
  SELECT lock_calendar(c.doctor_id) FROM (
    SELECT unnest(ARRAY[doctor_id, former_doctor_id]) AS doctor_id FROM movable ORDER BY 1 OFFSET 0
  ) c
),
checked AS (
  SELECT movable.*, c.time_zone, c.rules, c.next_free
  FROM (SELECT * FROM movable WHERE (SELECT count(*) FROM calendars) > 0 OFFSET 0) movable, check_appointment(
    movable.doctor_id, movable.patient_id, movable.starts_at, movable.starts_at + movable.length, movable.id,
      ($6::jsonb ->> 'override_reason') IS NOT NULL) c
),
target AS (
  SELECT a.*, (EXISTS (
    SELECT FROM caller
    WHERE a.owner_id = caller.clinic_id AND caller.clinic_role <> 'reader'
      OR a.owner_id IS NOT NULL AND a.doctor_id = caller.doctor_id
  ) IS TRUE
    AND (EXISTS (SELECT FROM caller WHERE a.owner_id = caller.clinic_id AND caller.clinic_role <> 'reader')
      OR coalesce(($6::jsonb ->> 'doctor')::int, a.doctor_id) IS NOT DISTINCT
      FROM (SELECT doctor_id FROM caller))) AS can_change,
      a.owner_id = (SELECT clinic_id FROM caller) AS is_own,
      coalesce(a.version = ANY ($8::int[]), $8::int[] IS NULL)
        AND NOT ARRAY[a.version::text, a.version::text] && $9::text[] AS is_expected_version
  FROM appointments a
  WHERE a.id = $7::int AND EXISTS (
    SELECT FROM caller
    WHERE a.owner_id = caller.clinic_id
      OR a.owner_id IS NOT NULL AND a.doctor_id = caller.doctor_id
      OR a.owner_id IS NOT NULL AND EXISTS (
        SELECT FROM emergency_accesses ea
        WHERE ea.account_id = caller.id AND ea.patient_id = a.patient_id AND ea.expires_at > now()
          AND (caller.role = 'admin'
            OR ea.clinic_id = caller.clinic_id AND caller.clinic_role IN ('clinician', 'manager'))
      )
  ) AND (SELECT count(*) FROM checked) >= 0
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
    SELECT FROM patient UNION ALL SELECT FROM doctor UNION ALL SELECT FROM assignments UNION ALL SELECT
      FROM calendars UNION ALL SELECT FROM checked UNION ALL SELECT FROM target
  ) steps HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
changed AS (
  UPDATE appointments a SET doctor_id = checked.doctor_id, starts_at = checked.starts_at,
    ends_at = checked.starts_at + checked.length,
    time_zone = checked.time_zone, override_reason = ($6::jsonb ->> 'override_reason'),
      note = CASE WHEN $6::jsonb ? 'note' THEN ($6::jsonb ->> 'note') ELSE a.note END, updated_at = now(),
    version = target.version + 1
  FROM target, checked
  WHERE a.id = target.id AND target.version = checked.version AND checked.rules = '{}' AND target.can_change
    AND target.is_expected_version AND EXISTS (SELECT FROM caller_recheck)
  RETURNING a.*
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patient_id, doctor_id, changes, reason)
  SELECT id, username, role, $4::uuid, clinic_id, $10::uuid, $11::text,
    'reschedule',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN EXISTS (SELECT FROM changed) THEN 'done'
      WHEN EXISTS (SELECT FROM target) THEN 'refused'
      ELSE 'not_found' END,
    (SELECT a.patient_id FROM appointments a WHERE a.id = $7::int),
    (SELECT a.doctor_id FROM appointments a WHERE a.id = $7::int),
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
    ) || '}', '{}')::json FROM target, changed),
    ($6::jsonb ->> 'override_reason')
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM target) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        (SELECT can_change FROM target) AS "canChange",
  (SELECT is_expected_version FROM target) AS "isExpectedVersion",
    (SELECT is_own AND NOT can_change FROM target) AS "needsClinicRole", (SELECT status FROM target) AS status,
  EXISTS (SELECT FROM doctor) AS "isDoctor", EXISTS (SELECT FROM doctor WHERE active) AS "isActive",
  EXISTS (SELECT FROM assignments, doctor WHERE doctor_id = doctor.id) AS "isAssigned",
    (SELECT may_override FROM doctor) AS "mayOverride",
  coalesce((SELECT is_past FROM requested), false) AS "isPast",
  coalesce((SELECT is_too_far_ahead FROM requested), false) AS "isTooFarAhead",
  EXISTS (SELECT FROM patient) AS "isLocked", (
    SELECT json_build_object('rules', rules, 'next_free', next_free) FROM checked WHERE rules <> '{}'
  ) AS "notBookable", (SELECT version::text FROM changed) AS etag,
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
