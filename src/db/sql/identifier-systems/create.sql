-- POST /api/identifier-systems: $1 token_version integer, $2 session_id uuid, $3 user_id integer, $4 record jsonb, $5 key text, $6 request_id uuid, $7 address text, $8 is_retry boolean
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
request AS (
  SELECT encode(sha256(convert_to('identifier-systems' || $4::jsonb::text, 'UTF8')), 'hex') AS fingerprint
),
visible_key AS (
  SELECT k.fingerprint, k.record_id, k.answer, EXISTS (SELECT FROM identifier_systems sy WHERE sy.id = k.record_id AND (EXISTS (SELECT FROM caller WHERE role = 'admin'))) AS is_readable
  FROM idempotency_keys k WHERE k.account_id = (SELECT id FROM caller) AND k.key = $5::text
),
earlier_key AS (
  SELECT fingerprint, record_id, answer, is_readable FROM visible_key
  UNION ALL SELECT k.fingerprint, k.record_id, k.answer, true
  FROM caller, kept_answer(caller.id, $5::text) k WHERE NOT EXISTS (SELECT FROM visible_key)
),
duplicate AS (
  SELECT other.id FROM caller, identifier_system_with_name($4::jsonb ->> 'name') other (id)
  WHERE NOT EXISTS (SELECT FROM earlier_key) AND (EXISTS (SELECT FROM caller WHERE role = 'admin'))
),
caller_recheck AS (
  SELECT FROM (SELECT count(*) FROM (
    SELECT FROM caller UNION ALL SELECT FROM earlier_key UNION ALL SELECT FROM duplicate
  ) steps HAVING count(*) > 0) locked, users u, sessions s
  WHERE u.id = (SELECT id FROM caller) AND u.active AND u.token_version = $1::int
    AND s.id = $2::uuid AND s.user_id = u.id
    AND s.password_version = u.password_version AND s.ended_at IS NULL AND s.expires_at > now()
  FOR SHARE OF u, s
),
draft AS (
  SELECT new.* FROM caller, jsonb_populate_record(NULL::identifier_systems, $4::jsonb || jsonb_build_object(
    'id', nextval('identifier_systems_id_seq'), 'created_by', caller.id, 'created_at', now(), 'updated_at', now(), 'version', 1)) new
  WHERE EXISTS (SELECT FROM caller_recheck) AND (EXISTS (SELECT FROM caller WHERE role = 'admin'))
    AND NOT EXISTS (SELECT FROM earlier_key) AND NOT EXISTS (SELECT FROM duplicate)
),
response AS (SELECT sy.id AS record_id, concat(
  '{"id":', sy.id, ',"name":', to_json(sy.name), ',"uri":', coalesce(to_json(sy.uri)::text, 'null'),
  ',"pattern":', coalesce(to_json(sy.pattern)::text, 'null'), ',"check_digit":"', sy.check_digit, '"', ',"created_by":', sy.created_by,
  ',"created_at":"', substr(to_json(sy.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z', '"',
  ',"updated_at":"', substr(to_json(sy.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z', '"', ',"version":', sy.version, '}'
) AS answer FROM draft sy),
stored_key AS (
  INSERT INTO idempotency_keys (account_id, key, fingerprint, record_id, answer)
  SELECT caller.id, $5::text, request.fingerprint, response.record_id, response.answer
  FROM caller, request, response WHERE $5::text IS NOT NULL
  ON CONFLICT (account_id, key) DO UPDATE SET key = EXCLUDED.key
  RETURNING fingerprint, record_id, answer, xmax = 0 AS is_new
),
result AS (
  SELECT keys.record_id, keys.answer, keys.is_new, keys.fingerprint = request.fingerprint AS is_same_request,
    keys.is_readable
  FROM request, (
    SELECT fingerprint, record_id, answer, is_new, true AS is_readable FROM stored_key
    UNION ALL SELECT fingerprint, record_id, answer, false, is_readable FROM earlier_key
  ) keys
  UNION ALL SELECT record_id, answer, true, true, true FROM response WHERE $5::text IS NULL
),
created AS (
  INSERT INTO identifier_systems (id, name, uri, pattern, check_digit, created_by, created_at, updated_at) OVERRIDING SYSTEM VALUE
  SELECT id, name, uri, pattern, check_digit, created_by, created_at, updated_at FROM draft WHERE EXISTS (SELECT FROM result WHERE is_new)
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, request_id, address, action, outcome, changes)
  SELECT e.* FROM (
    SELECT id, username, role, $2::uuid, $6::uuid, $7::text,
      CASE WHEN EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_new) THEN 'replay' ELSE 'create_identifier_system' END,
      CASE WHEN NOT is_accepted THEN 'refused'
        WHEN NOT EXISTS (SELECT FROM caller WHERE role = 'admin') THEN 'refused'
        WHEN EXISTS (SELECT FROM result WHERE is_same_request AND is_readable) AND EXISTS (SELECT FROM caller_recheck) THEN 'done'
        ELSE 'refused' END,
      (SELECT concat('{"identifier_system":{"before":', 'null', ',"after":', draft.id, '}',
        coalesce(',' || substr(nullif('{' || concat_ws(',',
          concat('"name":{"before":', 'null', ',"after":', to_json(draft.name), '}'),
          CASE WHEN draft.uri IS NOT NULL
            THEN concat('"uri":{"before":', 'null', ',"after":', coalesce(to_json(draft.uri)::text, 'null'), '}') END,
          CASE WHEN draft.pattern IS NOT NULL
            THEN concat('"pattern":{"before":', 'null', ',"after":', coalesce(to_json(draft.pattern)::text, 'null'), '}') END,
          concat('"check_digit":{"before":', 'null', ',"after":', to_json(draft.check_digit), '}')
        ) || '}', '{}')::json::text, 2), '}'))::json FROM draft, result WHERE is_new)
    FROM token_account
  ) e (account_id, username, role, session_id, request_id, address, action, outcome, changes)
  WHERE NOT ($8::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, NULL))
)
SELECT (SELECT answer FROM result WHERE is_same_request AND is_readable) AS body,
  (SELECT record_id FROM result WHERE is_same_request) AS id, EXISTS (SELECT FROM result WHERE NOT is_new) AS "isReplayed",
  EXISTS (SELECT FROM result WHERE NOT is_same_request) AS "keyReusedWithDifferentRequest",
  EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_readable) AS "isUnreadable",
  EXISTS (SELECT FROM caller WHERE role = 'admin') AS "isAdmin", (SELECT id FROM duplicate) AS existing, '1' AS etag
FROM caller WHERE NOT (EXISTS (SELECT FROM caller) AND NOT EXISTS (SELECT FROM caller_recheck));
