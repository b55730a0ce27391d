-- GET /api/absences/:id: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 id integer
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
  SELECT (SELECT row_to_json(o)
    FROM (SELECT b.id, b.doctor_id AS doctor,
      substr(to_json(b.starts_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS starts_at,
      substr(to_json(b.ends_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS ends_at,
        b.created_by,
        substr(to_json(b.created_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2,
          23) || 'Z' AS created_at) o)::text AS body
  FROM absences b JOIN doctors d ON d.id = b.doctor_id
  WHERE b.id = $6::int AND EXISTS (SELECT FROM caller WHERE true)
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal, (SELECT body FROM found) AS body
FROM token_account;
