-- GET /api/doctors/:id: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 expected integer[], $7 known text[], $8 id integer
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
found AS (
  SELECT d.version::text AS etag,
    coalesce(d.version = ANY ($6::int[]), $6::int[] IS NULL) AS is_expected_version,
    CASE WHEN ARRAY[d.version::text, d.version::text] && $7::text[] THEN NULL
      WHEN coalesce(d.version = ANY ($6::int[]), $6::int[] IS NULL) THEN (
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
        || 'Z","updated_at":"' || substr(to_json(d.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2,
          23)
        || 'Z","version":' || d.version || '}'
      ) END AS body
  FROM doctors d WHERE d.id = $8::int AND EXISTS (SELECT FROM caller WHERE true)
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal, (SELECT etag FROM found) AS etag,
  (SELECT is_expected_version FROM found) AS "isExpectedVersion",
  (SELECT body FROM found) AS body
FROM token_account;
