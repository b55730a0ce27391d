-- GET /api/patients/export: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 after integer, $7 size integer, $8 request_id uuid, $9 address text, $10 is_retry boolean
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
  SELECT p.* FROM patients p
  WHERE (p.owner_id, p.id) > ((SELECT clinic_id FROM caller), $6::int) AND p.owner_id <= (SELECT clinic_id FROM caller)
    AND EXISTS (SELECT FROM caller WHERE caller.clinic_role <> 'reader')
  ORDER BY p.owner_id, p.id LIMIT $7::int
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    patients)
  SELECT e.* FROM (
    SELECT id, username, role, $4::uuid, clinic_id, $8::uuid, $9::text,
      'export',
      CASE WHEN refusal IS NOT NULL THEN 'refused'
        WHEN NOT EXISTS (SELECT FROM caller WHERE caller.clinic_role <> 'reader') THEN 'refused'
        ELSE 'done' END,
      ARRAY(SELECT id FROM batch)
    FROM token_account
  ) e (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome, patients)
  WHERE NOT ($10::boolean AND request_audited(e.account_id, e.request_id, e.outcome, NULL, e.patients))
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal,
  EXISTS (SELECT FROM caller WHERE caller.clinic_role <> 'reader') AS "isAllowed", (SELECT string_agg((
  '{"id":' || p.id
  || ',"firstname":' || to_json(p.firstname)
  || ',"lastname":' || to_json(p.lastname)
  || ',"email":' || coalesce(to_json(p.email)::text, 'null')
  || ',"age":' || age_on(p.born_to, (SELECT today FROM caller))
  || ',"gender":"' || p.gender
  || '","birth_date":' || coalesce(to_json(p.birth_date)::text, 'null')
  || ',"age_as_of":' || coalesce(to_json(p.age_as_of)::text, 'null')
  || ',"email_shared":' || p.email_shared::text
  || ',"anonymous":' || p.anonymous::text
  || ',"phones":' || to_json(p.phones)
  || ',"address":' || coalesce(p.address::text, 'null')
  || ',"identifiers":' || p.identifiers::text
  || ',"created_by":' || p.created_by
  || ',"created_at":"' || substr(to_json(p.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
  || 'Z","updated_at":"' || substr(to_json(p.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)
  || 'Z","version":' || p.version || '}'
) || E'\n', '' ORDER BY p.id) FROM batch p) AS lines,
  (SELECT max(id) FROM batch HAVING count(*) = $7::int) AS next
FROM token_account;
