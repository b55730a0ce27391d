-- GET /api/slots: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 specialization text, $7 from date, $8 minutes integer, $9 to date
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
candidate AS (
  -- In the order of the index, until there are enough.
  SELECT d.id FROM schedules sc JOIN LATERAL (SELECT * FROM doctors WHERE id = sc.doctor_id OFFSET 0) d ON true
  WHERE sc.doctor_id > 0 AND (SELECT id FROM caller) IS NOT NULL AND EXISTS (SELECT FROM caller WHERE true) AND d.active
    AND d.max_appointments_per_day > 0
    AND ($6::text IS NULL OR d.specialization = $6::text)
  ORDER BY sc.doctor_id LIMIT 1000
),
earliest AS (
  WITH RECURSIVE search AS (
    SELECT $7::date AS day, '{}'::int[] AS found, '{}'::timestamptz[] AS first_slots, 0 AS found_before,
      CASE WHEN (SELECT count(*) FROM candidate) > 50 THEN ARRAY(SELECT id FROM candidate) ELSE '{}' END AS others
    UNION ALL
    SELECT search.day + 1, search.found || new.found, search.first_slots || new.first_slots, cardinality(search.found),
      ARRAY(SELECT unnest(search.others) EXCEPT SELECT unnest(new.found))
    FROM search, LATERAL (
      SELECT coalesce(array_agg(f.doctor_id), '{}') AS found, coalesce(array_agg(f.first_slot), '{}') AS first_slots
        FROM (
        SELECT f.doctor_id, min(f.starts_at) AS first_slot
        FROM free_slots(search.others, search.day, search.day, $8::int, date_trunc('minute', now()), NULL, NULL) f
        GROUP BY f.doctor_id
      ) f
    ) new
    WHERE search.day <= $9::date AND search.found_before < 50 AND cardinality(search.others) > 0
  )
    (SELECT found.id FROM (SELECT * FROM search ORDER BY day DESC LIMIT 1) search,
      unnest(search.found, search.first_slots) found (id, first_slot)
      ORDER BY found.first_slot, found.id LIMIT 50)
  UNION ALL SELECT id FROM candidate WHERE (SELECT count(*) FROM candidate) <= 50
),
slot AS (
  SELECT f.* FROM (
    SELECT f.*, row_number() OVER (PARTITION BY f.doctor_id ORDER BY f.starts_at) AS position
    FROM free_slots(ARRAY(SELECT id FROM earliest), $7::date, $9::date, $8::int, date_trunc('minute', now()), NULL,
      NULL) f
  ) f WHERE f.position <= 3
),
response AS (
  SELECT f.doctor_id AS doctor, (SELECT sc.time_zone FROM schedules sc WHERE sc.doctor_id = f.doctor_id) AS time_zone,
    ('[' || coalesce(string_agg(('{"starts_at":"' || substr(to_json(f.starts_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text,
      2, 23) || 'Z' || '","ends_at":"' || substr(to_json(f.ends_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text,
      2, 23) || 'Z'
      || '","day":"' || f.day || '"}'), ',' ORDER BY f.starts_at), '') || ']')::json AS slots,
        min(f.starts_at) AS first_slot
  FROM slot f GROUP BY f.doctor_id
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal, (
  SELECT ('[' || coalesce(string_agg(concat('{"doctor":', doctor, ',"time_zone":', to_json(time_zone), ',"slots":',
    slots, '}'),
    ',' ORDER BY first_slot, doctor),
    '') || ']')::json
  FROM response
)::text AS body
FROM token_account;
