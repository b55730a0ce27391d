-- PUT /api/doctors/:id/schedule: $1 clinic_id integer, $2 today date, $3 token_version integer, $4 session_id uuid, $5 user_id integer, $6 id integer, $7 must_exist boolean, $8 expected integer[], $9 excluded text[], $10 time_zone text, $11 slot_minutes smallint, $12 week int4multirange, $13 request_id uuid, $14 address text
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
doctor AS (
  SELECT d.id, EXISTS (
    SELECT FROM caller
    WHERE d.created_by = caller.id
      OR d.id = caller.doctor_id
      OR caller.role = 'admin'
  ) AS can_change
  FROM doctors d WHERE d.id = $6::int AND EXISTS (SELECT FROM caller WHERE true) AND (SELECT id FROM caller) IS NOT NULL
  FOR KEY SHARE
),
schedule AS (SELECT sc.* FROM doctor, lock_schedule(doctor.id) sc WHERE doctor.can_change),
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
    SELECT FROM doctor UNION ALL SELECT FROM schedule
  ) steps HAVING count(*) > 0) locked, users u, sessions s, memberships ms
  WHERE u.id = (SELECT id FROM caller) AND s.id = $4::uuid AND ms.clinic_id = $1::int AND ms.account_id = u.id
  FOR SHARE OF u, s, ms
),
caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL),
target AS (
  SELECT doctor.can_change, CASE WHEN schedule.doctor_id IS NULL THEN NOT $7::boolean
      ELSE coalesce(schedule.version = ANY ($8::int[]), $8::int[] IS NULL)
        AND NOT ARRAY[schedule.version::text, schedule.version::text] && $9::text[] END AS is_expected_version
  FROM doctor LEFT JOIN schedule ON true
),
new_zone AS (
  SELECT ($10::text IS NULL OR lower($10::text COLLATE "C") NOT IN ('cet', 'eet', 'met', 'wet')
    AND EXISTS (SELECT FROM pg_timezone_names z
      WHERE lower(z.name COLLATE "C") = lower($10::text COLLATE "C"))) AS is_known,
      appointments_in_other_zone($6::int, $10::text) AS others
  FROM target LEFT JOIN schedule ON true
  WHERE target.can_change AND target.is_expected_version AND EXISTS (SELECT FROM caller_recheck)
    AND lower(schedule.time_zone COLLATE "C")
    IS DISTINCT FROM lower($10::text COLLATE "C")
),
changed AS (
  INSERT INTO schedules AS sc (doctor_id, time_zone, slot_minutes, week)
  SELECT $6::int, $10::text, $11::smallint, $12::int4multirange
  FROM target
    WHERE target.can_change AND target.is_expected_version AND EXISTS (SELECT FROM caller_recheck)
      AND NOT EXISTS (SELECT FROM new_zone WHERE NOT is_known OR others > 0)
  ON CONFLICT (doctor_id) DO UPDATE SET time_zone = EXCLUDED.time_zone, slot_minutes = EXCLUDED.slot_minutes,
    week = EXCLUDED.week, updated_at = now(), version = sc.version + 1
  RETURNING sc.*
),
audit_event AS (
  INSERT INTO audit_events (account_id, username, role, session_id, clinic_id, request_id, address, action, outcome,
    doctor_id, changes)
  SELECT id, username, role, $4::uuid, clinic_id, $13::uuid, $14::text,
    'schedule',
    CASE WHEN refusal IS NOT NULL THEN 'refused'
      WHEN EXISTS (SELECT FROM changed) THEN 'done'
      WHEN EXISTS (SELECT FROM target) THEN 'refused'
      ELSE 'not_found' END,
    $6::int,
    (SELECT (
      SELECT ('{' || string_agg(
        format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'),
          coalesce(a.value::text, 'null')),
        ',' ORDER BY coalesce(b.n, a.n)
      ) || '}')::json
      FROM json_each((SELECT row_to_json(o) FROM (SELECT sc.time_zone, sc.slot_minutes, (
        SELECT ('[' || coalesce(string_agg(format('{"weekday":%s,"from":"%s","to":"%s"}', day + 1,
          to_char(make_interval(mins => lower(h) - day * 1440), 'HH24:MI'),
          to_char(make_interval(mins => upper(h) - day * 1440), 'HH24:MI')),
          ',' ORDER BY h),
          '') || ']')::json
        FROM generate_series(0, 6) day, unnest(sc.week * int4multirange(int4range(day * 1440, (day + 1) * 1440))) h
      ) AS hours FROM schedule sc) o)) WITH ORDINALITY b (key, value, n)
        FULL JOIN json_each((SELECT row_to_json(o) FROM (SELECT sc.time_zone, sc.slot_minutes, (
          SELECT ('[' || coalesce(string_agg(format('{"weekday":%s,"from":"%s","to":"%s"}', day + 1,
            to_char(make_interval(mins => lower(h) - day * 1440), 'HH24:MI'),
            to_char(make_interval(mins => upper(h) - day * 1440), 'HH24:MI')),
            ',' ORDER BY h),
            '') || ']')::json
          FROM generate_series(0, 6) day, unnest(sc.week * int4multirange(int4range(day * 1440, (day + 1) * 1440))) h
        ) AS hours FROM changed sc) o)) WITH ORDINALITY a (key, value, n) USING (key)
      WHERE b.value::text IS DISTINCT FROM a.value::text
    ) FROM changed)
  FROM token_account
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM doctor) AND NOT EXISTS (SELECT FROM caller_recheck)
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal,
        (SELECT can_change FROM target) AS "canChange",
  (SELECT is_expected_version FROM target) AS "isExpectedVersion", NOT EXISTS (SELECT FROM schedule) AS "isNew",
  NOT EXISTS (SELECT FROM new_zone WHERE NOT is_known) AS "isKnownZone",
    coalesce((SELECT others FROM new_zone), 0) AS others,
  (SELECT version::text FROM changed) AS etag,
    (SELECT (SELECT row_to_json(o) FROM (SELECT sc.doctor_id AS doctor, sc.time_zone, sc.slot_minutes, (
    SELECT ('[' || coalesce(string_agg(format('{"weekday":%s,"from":"%s","to":"%s"}', day + 1,
      to_char(make_interval(mins => lower(h) - day * 1440), 'HH24:MI'),
      to_char(make_interval(mins => upper(h) - day * 1440), 'HH24:MI')),
      ',' ORDER BY h),
      '') || ']')::json
    FROM generate_series(0, 6) day, unnest(sc.week * int4multirange(int4range(day * 1440, (day + 1) * 1440))) h
  ) AS hours,
      substr(to_json(sc.updated_at AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23) || 'Z' AS updated_at,
        sc.version) o)::text
        FROM changed sc) AS body
FROM token_account;
