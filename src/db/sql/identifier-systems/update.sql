-- PATCH /api/identifier-systems/:id: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 expected integer[], $7 excluded text[], $8 id integer, $9 changes jsonb, $10 request_id uuid, $11 address text
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
  SELECT sy.*, EXISTS (SELECT FROM caller WHERE caller.role = 'admin') AS can_change,
    coalesce(sy.version = ANY ($6::int[]), $6::int[] IS NULL)
      AND NOT ARRAY[sy.version::text, sy.version::text] && $7::text[] AS is_expected_version
  FROM identifier_systems sy WHERE sy.id = $8::int AND EXISTS (SELECT FROM caller)
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
  SELECT sy.id,
    coalesce(($9::jsonb ->> 'name')::text COLLATE "C", sy.name) AS name,
    CASE WHEN $9::jsonb ? 'uri' THEN $9::jsonb ->> 'uri' ELSE sy.uri END AS uri,
    CASE WHEN $9::jsonb ? 'pattern' THEN $9::jsonb ->> 'pattern' ELSE sy.pattern END AS pattern,
    coalesce($9::jsonb ->> 'check_digit', sy.check_digit) AS check_digit
  FROM target sy
),
duplicate AS (
  SELECT other.id FROM next, identifier_systems other
  WHERE other.name = next.name AND other.id <> next.id
),
changed AS (
  UPDATE identifier_systems sy SET name = next.name, uri = next.uri, pattern = next.pattern,
    check_digit = next.check_digit,
    updated_at = now(), version = sy.version + 1
  FROM target, next
    WHERE sy.id = target.id AND target.can_change AND target.is_expected_version AND EXISTS (SELECT FROM caller_recheck)
      AND NOT EXISTS (SELECT FROM duplicate)
  RETURNING sy.version::text AS etag, (
    '{"id":' || sy.id
    || ',"name":' || to_json(sy.name)
    || ',"uri":' || coalesce(to_json(sy.uri)::text, 'null')
    || ',"pattern":' || coalesce(to_json(sy.pattern)::text, 'null')
    || ',"check_digit":"' || sy.check_digit
    || '","created_by":' || sy.created_by
    || ',"created_at":"' || substr(to_json(sy.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
    || 'Z","updated_at":"' || substr(to_json(sy.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
    || 'Z","version":' || sy.version || '}'
  ) AS body, sy.id, sy.name, sy.uri, sy.pattern, sy.check_digit
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    changes)
  SELECT id, username, role, $4::uuid, clinic_id, $10::uuid, $11::text,
    'update_identifier_system',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN NOT EXISTS (SELECT FROM caller WHERE role = 'admin') THEN 'refused'
      WHEN EXISTS (SELECT FROM changed) THEN 'done'
      WHEN EXISTS (SELECT FROM target) THEN 'refused'
      ELSE 'not_found' END,
    (SELECT concat('{"identifier_system":{"before":', target.id, ',"after":', changed.id, '}',
      coalesce(',' || substr(nullif('{' || concat_ws(',',
        CASE WHEN target.name <> changed.name
          THEN concat('"name":{"before":', to_json(target.name), ',"after":', to_json(changed.name), '}') END,
        CASE WHEN target.uri IS DISTINCT FROM changed.uri
          THEN concat('"uri":{"before":', coalesce(to_json(target.uri)::text, 'null'), ',"after":',
            coalesce(to_json(changed.uri)::text, 'null'), '}') END,
        CASE WHEN target.pattern IS DISTINCT FROM changed.pattern
          THEN concat('"pattern":{"before":', coalesce(to_json(target.pattern)::text, 'null'), ',"after":',
            coalesce(to_json(changed.pattern)::text, 'null'), '}') END,
        CASE WHEN target.check_digit <> changed.check_digit
          THEN concat('"check_digit":{"before":', to_json(target.check_digit), ',"after":',
            to_json(changed.check_digit), '}') END
      ) || '}', '{}')::json::text, 2), '}'))::json FROM target, changed)
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM target) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        (SELECT can_change FROM target) AS "canChange",
  (SELECT is_expected_version FROM target) AS "isExpectedVersion", (SELECT id FROM duplicate) AS existing,
  (SELECT etag FROM changed) AS etag, (SELECT body FROM changed) AS body
FROM token_account;
