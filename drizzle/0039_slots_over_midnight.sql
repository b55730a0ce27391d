-- As in 0035, but the free slots of a day begin with its first midnight, and a night from Sunday to Monday is one period, as every
-- other night: the slots of Monday go on with the steps of Sunday.
CREATE OR REPLACE FUNCTION "free_slots"(doctors integer[], first_day date, last_day date, minutes integer, not_before timestamptz, patient integer, except_id integer)
RETURNS TABLE (doctor_id integer, day date, starts_at timestamptz, ends_at timestamptz) LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH doctor AS (
		SELECT d.id, d.max_appointments_per_day AS day_limit, s.time_zone, make_interval(mins => s.slot_minutes) AS step,
			make_interval(mins => coalesce(minutes, s.slot_minutes)) AS length,
			-- A midnight may come twice (Atlantic/Azores in autumn), and AT TIME ZONE is the second one.
			tstzrange(first_day::timestamp AT TIME ZONE s.time_zone - interval '3 hours', (last_day + 1)::timestamp AT TIME ZONE s.time_zone
				+ make_interval(mins => coalesce(minutes, s.slot_minutes))) AS period,
			-- Whether the hours go on from Sunday to Monday. A week without a break begins on Monday.
			s.week @> 0 AND s.week @> 10079 AND s.week <> '{[0,10080)}' AS has_sunday_night
		FROM public.doctors d JOIN public.schedules s ON s.doctor_id = d.id
		WHERE d.id = ANY (doctors) AND d.active AND d.max_appointments_per_day > 0
	), calendar AS MATERIALIZED (
		SELECT d.*, CASE WHEN d.has_sunday_night THEN ARRAY(SELECT unnest(open.periods)) ELSE open.windows END AS windows,
			open.periods - coalesce(busy.periods, '{}') AS free
		FROM doctor d,
			LATERAL (
				SELECT array_agg(w) AS windows, range_agg(w) AS periods
				-- The hours of a Sunday night may begin up to a week before a day on which they go on.
				FROM public.open_windows(d.id, first_day - CASE WHEN d.has_sunday_night THEN 7 ELSE 1 END, last_day + 1) w
			) open,
			LATERAL (
				SELECT range_agg(tstzrange(b.starts_at, b.ends_at)) AS periods FROM (
					SELECT a.starts_at, a.ends_at FROM public.appointments a
					WHERE a.doctor_id = d.id AND a.status <> 'cancelled' AND a.id IS DISTINCT FROM except_id
						AND tstzrange(a.starts_at, a.ends_at) && d.period
					UNION ALL SELECT a.starts_at, a.ends_at FROM public.appointments a
					WHERE a.patient_id = patient AND a.status <> 'cancelled' AND a.id IS DISTINCT FROM except_id
						AND a.starts_at < upper(d.period) AND a.ends_at > lower(d.period)
					UNION ALL SELECT b.starts_at, b.ends_at FROM public.absences b
					WHERE b.doctor_id = d.id AND tstzrange(b.starts_at, b.ends_at) && d.period
				) b
			) busy
	), full_day AS MATERIALIZED (
		-- By the index for each doctor: a join could read the appointments of all.
		SELECT d.id, a.day FROM doctor d, LATERAL (
			SELECT a.day FROM public.appointments a
			WHERE a.doctor_id = d.id AND a.day BETWEEN first_day AND last_day
				AND a.status <> 'cancelled' AND a.id IS DISTINCT FROM except_id
			GROUP BY a.day HAVING count(*) >= d.day_limit
		) a
	)
	SELECT d.id, l.day, slot, slot + d.length
	FROM calendar d CROSS JOIN LATERAL unnest(d.windows) open JOIN LATERAL unnest(d.free) gap ON gap && open
		CROSS JOIN LATERAL (SELECT greatest(lower(open), lower(gap), lower(d.period), not_before) AS earliest) e
		CROSS JOIN LATERAL generate_series(
			lower(open) + ceil(extract(epoch FROM e.earliest - lower(open)) / extract(epoch FROM d.step)) * d.step,
			least(upper(gap) - d.length, upper(open) - interval '1 microsecond'), d.step) slot
		CROSS JOIN LATERAL (SELECT (slot AT TIME ZONE d.time_zone)::date AS day) l
	WHERE l.day BETWEEN first_day AND last_day AND NOT EXISTS (SELECT FROM full_day f WHERE f.id = d.id AND f.day = l.day)
	ORDER BY slot, d.id;
END $$;
