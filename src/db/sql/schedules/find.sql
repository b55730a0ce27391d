-- GET /api/doctors/:id/schedule: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 expected integer[], $7 known text[], $8 id integer
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
  SELECT sc.version::text AS etag,
    coalesce(sc.version = ANY ($6::int[]), $6::int[] IS NULL) AS is_expected_version,
    CASE WHEN ARRAY[sc.version::text, sc.version::text] && $7::text[] THEN NULL
      WHEN coalesce(sc.version = ANY ($6::int[]), $6::int[] IS NULL)
        THEN (SELECT row_to_json(o) FROM (SELECT sc.doctor_id AS doctor, sc.time_zone, sc.slot_minutes, (
        SELECT ('[' || coalesce(string_agg(format('{"weekday":%s,"from":"%s","to":"%s"}', day + 1,
          to_char(make_interval(mins => lower(h) - day * 1440), 'HH24:MI'),
          to_char(make_interval(mins => upper(h) - day * 1440), 'HH24:MI')),
          ',' ORDER BY h),
          '') || ']')::json
        FROM generate_series(0, 6) day, unnest(sc.week * int4multirange(int4range(day * 1440, (day + 1) * 1440))) h
      ) AS hours,
          substr(to_json(sc.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2,
            23) || 'Z' AS updated_at,
            sc.version) o)::text END AS body
  FROM schedules sc JOIN doctors d ON d.id = sc.doctor_id
    WHERE d.id = $8::int AND EXISTS (SELECT FROM caller WHERE true)
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal, (SELECT etag FROM found) AS etag,
  (SELECT is_expected_version FROM found) AS "isExpectedVersion",
  (SELECT body FROM found) AS body
FROM token_account;
