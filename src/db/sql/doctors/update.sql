-- PUT, PATCH /api/doctors/:id: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 expected integer[], $7 excluded text[], $8 id integer, $9 changes jsonb, $10 request_id uuid, $11 address text
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
next AS (
  SELECT d.id,
    coalesce($9::jsonb ->> 'firstname', d.firstname) AS firstname,
    coalesce($9::jsonb ->> 'lastname', d.lastname) AS lastname,
    CASE WHEN $9::jsonb ? 'email' THEN $9::jsonb ->> 'email' ELSE d.email END AS email,
    coalesce($9::jsonb ->> 'gender', d.gender) AS gender,
    coalesce($9::jsonb ->> 'specialization', d.specialization) AS specialization,
    coalesce(($9::jsonb ->> 'max_appointments_per_day')::integer,
      d.max_appointments_per_day) AS max_appointments_per_day,
    coalesce(($9::jsonb ->> 'active')::boolean, d.active) AS active,
    coalesce(($9::jsonb ->> 'email_shared')::boolean, d.email_shared) AS email_shared,
    CASE WHEN $9::jsonb ? 'phones' THEN ARRAY(SELECT jsonb_array_elements_text($9::jsonb -> 'phones'))
      ELSE d.phones END AS phones
  FROM target d
),
reserved AS (
  SELECT FROM target, next
  WHERE (next.firstname, next.lastname, next.email, next.phones, next.active) IS DISTINCT
    FROM (target.firstname, target.lastname, target.email, target.phones, target.active)
    AND target.can_change AND NOT EXISTS (SELECT FROM caller WHERE role = 'admin')
    AND doctor_relied_on(target.id, (SELECT id FROM caller))
),
field_errors AS (
  SELECT field, 'required' AS code FROM next, unnest(ARRAY['firstname', 'lastname']) field
  WHERE next.firstname = '' AND next.lastname = ''
),
-- An email that was shared stays shared while another doctor has it.
duplicate AS (
  SELECT other.id FROM target, next, doctors other
  WHERE NOT next.email_shared AND (target.email_shared OR next.email IS DISTINCT FROM target.email)
    AND email_key(other.email) COLLATE "C" = email_key(next.email) COLLATE "C"
    AND other.id <> target.id AND (target.email_shared OR NOT other.email_shared)
  ORDER BY other.email_shared, other.id LIMIT 1
),
changed AS (
  UPDATE doctors d SET firstname = next.firstname, lastname = next.lastname, email = next.email, gender = next.gender,
    specialization = next.specialization, max_appointments_per_day = next.max_appointments_per_day,
    active = next.active, email_shared = next.email_shared, phones = next.phones,
    updated_at = now(), version = d.version + 1
  FROM target, next
    WHERE d.id = target.id AND target.can_change AND target.is_expected_version AND EXISTS (SELECT FROM caller_recheck)
    AND NOT EXISTS (SELECT FROM reserved) AND NOT EXISTS (SELECT FROM field_errors)
      AND NOT EXISTS (SELECT FROM duplicate)
  RETURNING d.version::text AS etag, (
    '{"id":' || d.id
    || ',"firstname":' || to_json(d.firstname)
    || ',"lastname":' || to_json(d.lastname)
    || ',"email":' || coalesce(to_json(d.email)::text, 'null')
    || ',"gender":"' || d.gender
    || '","specialization":"' || d.specialization
    || '","max_appointments_per_day":' || d.max_appointments_per_day
    || ',"active":' || d.active::text
    || ',"email_shared":' || d.email_shared::text
    || ',"phones":' || to_json(d.phones)
    || ',"created_by":' || d.created_by
    || ',"created_at":"' || substr(to_json(d.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
    || 'Z","updated_at":"' || substr(to_json(d.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
    || 'Z","version":' || d.version || '}'
  ) AS body, d.firstname, d.lastname, d.email, d.gender, d.specialization, d.max_appointments_per_day, d.active,
    d.email_shared, d.phones
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    doctor_id, changes)
  SELECT id, username, role, $4::uuid, clinic_id, $10::uuid, $11::text,
    'update',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN EXISTS (SELECT FROM changed) THEN 'done'
      WHEN EXISTS (SELECT FROM target) THEN 'refused'
      ELSE 'not_found' END,
    $8::int,
    (SELECT nullif('{' || concat_ws(',',
      CASE WHEN target.firstname <> changed.firstname
        THEN concat('"firstname":{"before":', to_json(target.firstname), ',"after":', to_json(changed.firstname),
          '}') END,
      CASE WHEN target.lastname <> changed.lastname
        THEN concat('"lastname":{"before":', to_json(target.lastname), ',"after":', to_json(changed.lastname), '}') END,
      CASE WHEN target.email IS DISTINCT FROM changed.email
        THEN concat('"email":{"before":', coalesce(to_json(target.email)::text, 'null'), ',"after":',
          coalesce(to_json(changed.email)::text, 'null'), '}') END,
      CASE WHEN target.gender <> changed.gender
        THEN concat('"gender":{"before":', to_json(target.gender), ',"after":', to_json(changed.gender), '}') END,
      CASE WHEN target.specialization <> changed.specialization
        THEN concat('"specialization":{"before":', to_json(target.specialization), ',"after":',
          to_json(changed.specialization), '}') END,
      CASE WHEN target.max_appointments_per_day <> changed.max_appointments_per_day
        THEN concat('"max_appointments_per_day":{"before":', to_json(target.max_appointments_per_day), ',"after":',
          to_json(changed.max_appointments_per_day), '}') END,
      CASE WHEN target.active <> changed.active
        THEN concat('"active":{"before":', to_json(target.active), ',"after":', to_json(changed.active), '}') END,
      CASE WHEN target.email_shared <> changed.email_shared
        THEN concat('"email_shared":{"before":', to_json(target.email_shared), ',"after":',
          to_json(changed.email_shared), '}') END,
      CASE WHEN target.phones <> changed.phones
        THEN concat('"phones":{"before":', to_json(target.phones), ',"after":', to_json(changed.phones), '}') END
    ) || '}', '{}')::json FROM target, changed)
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM target) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        (SELECT can_change FROM target) AS "canChange",
  (SELECT is_expected_version FROM target) AS "isExpectedVersion", EXISTS (SELECT FROM reserved) AS "needsAdmin",
    (SELECT json_object_agg(field, code) FROM field_errors) AS "fieldErrors", (SELECT id FROM duplicate) AS existing,
  (SELECT etag FROM changed) AS etag, (SELECT body FROM changed) AS body
FROM token_account;
