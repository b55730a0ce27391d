CREATE EXTENSION IF NOT EXISTS "btree_gist";--> statement-breakpoint
-- In the order in which requests lock them. The migration would lock them in another order and deadlock with requests.
LOCK TABLE "patients", "doctors", "mappings", "users", "memberships" IN SHARE ROW EXCLUSIVE MODE;--> statement-breakpoint
LOCK TABLE "record_changes" IN ACCESS EXCLUSIVE MODE;--> statement-breakpoint
CREATE TABLE "appointments" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "appointments_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"patient_id" integer NOT NULL,
	"owner_id" integer,
	"doctor_id" integer NOT NULL,
	"starts_at" timestamp (3) with time zone NOT NULL,
	"ends_at" timestamp (3) with time zone NOT NULL,
	"time_zone" text NOT NULL,
	"day" date GENERATED ALWAYS AS ((starts_at AT TIME ZONE time_zone)::date) STORED NOT NULL,
	"status" text DEFAULT 'booked' NOT NULL,
	"note" text,
	"cancel_reason" text,
	"override_reason" text,
	"created_by" integer NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "appointments_status_check" CHECK ("appointments"."status" IN ('booked', 'arrived', 'fulfilled', 'cancelled', 'no_show')),
	CONSTRAINT "appointments_ends_at_check" CHECK ("appointments"."ends_at" BETWEEN "appointments"."starts_at" + interval '5 minutes' AND "appointments"."starts_at" + interval '8 hours'),
	CONSTRAINT "appointments_starts_at_check" CHECK ("appointments"."starts_at" AT TIME ZONE 'UTC' = date_trunc('minute', "appointments"."starts_at" AT TIME ZONE 'UTC')),
	CONSTRAINT "appointments_note_check" CHECK (char_length("appointments"."note") <= 500),
	CONSTRAINT "appointments_cancel_reason_check" CHECK (("appointments"."cancel_reason" IS NULL OR "appointments"."status" = 'cancelled') AND char_length("appointments"."cancel_reason") <= 200),
	CONSTRAINT "appointments_override_reason_check" CHECK (char_length("appointments"."override_reason") BETWEEN 10 AND 500),
	CONSTRAINT "appointments_owner_id_check" CHECK ("appointments"."owner_id" IS NOT NULL OR "appointments"."status" NOT IN ('booked', 'arrived'))
);
--> statement-breakpoint
CREATE TABLE "calendar_feeds" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "calendar_feeds_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"account_id" integer NOT NULL,
	"clinic_id" integer NOT NULL,
	"doctor_id" integer,
	"label" text NOT NULL,
	"token_hash" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"last_used_at" timestamp (3) with time zone,
	CONSTRAINT "calendar_feeds_token_hash_check" CHECK ("calendar_feeds"."token_hash" ~ '^[0-9a-f]{64}$'),
	CONSTRAINT "calendar_feeds_label_check" CHECK (char_length("calendar_feeds"."label") BETWEEN 1 AND 100)
);
--> statement-breakpoint
CREATE TABLE "absences" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "absences_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"doctor_id" integer NOT NULL,
	"starts_at" timestamp (3) with time zone NOT NULL,
	"ends_at" timestamp (3) with time zone NOT NULL,
	"created_by" integer NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "absences_ends_at_check" CHECK ("absences"."ends_at" > "absences"."starts_at" AND "absences"."ends_at" <= "absences"."starts_at" + interval '366 days')
);
--> statement-breakpoint
CREATE TABLE "schedules" (
	"doctor_id" integer PRIMARY KEY NOT NULL,
	"time_zone" text NOT NULL,
	"slot_minutes" smallint NOT NULL,
	"week" "int4multirange" NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "schedules_time_zone_check" CHECK (char_length("schedules"."time_zone") <= 64 AND (timestamp 'epoch' AT TIME ZONE "schedules"."time_zone") IS NOT NULL),
	CONSTRAINT "schedules_slot_minutes_check" CHECK ("schedules"."slot_minutes" BETWEEN 5 AND 480),
	CONSTRAINT "schedules_week_check" CHECK ("schedules"."week" <@ '{[0,10080)}'::int4multirange)
);
--> statement-breakpoint
ALTER TABLE "record_changes" DROP CONSTRAINT "record_changes_kind_check";--> statement-breakpoint
ALTER TABLE "appointments" ADD CONSTRAINT "appointments_patient_fkey" FOREIGN KEY ("owner_id","patient_id") REFERENCES "public"."patients"("owner_id","id") ON DELETE no action ON UPDATE cascade;--> statement-breakpoint
ALTER TABLE "appointments" ADD CONSTRAINT "appointments_patient_id_fkey" FOREIGN KEY ("patient_id") REFERENCES "public"."patients"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "appointments" ADD CONSTRAINT "appointments_doctor_id_fkey" FOREIGN KEY ("doctor_id") REFERENCES "public"."doctors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "appointments" ADD CONSTRAINT "appointments_created_by_fkey" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "calendar_feeds" ADD CONSTRAINT "calendar_feeds_membership_fkey" FOREIGN KEY ("clinic_id","account_id") REFERENCES "public"."memberships"("clinic_id","account_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "calendar_feeds" ADD CONSTRAINT "calendar_feeds_doctor_id_fkey" FOREIGN KEY ("doctor_id") REFERENCES "public"."doctors"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "absences" ADD CONSTRAINT "absences_doctor_id_fkey" FOREIGN KEY ("doctor_id") REFERENCES "public"."doctors"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "absences" ADD CONSTRAINT "absences_created_by_fkey" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "schedules" ADD CONSTRAINT "schedules_doctor_id_fkey" FOREIGN KEY ("doctor_id") REFERENCES "public"."doctors"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "appointments_doctor_id_day_idx" ON "appointments" USING btree ("doctor_id","day") WHERE "appointments"."status" <> 'cancelled';--> statement-breakpoint
CREATE INDEX "appointments_owner_id_starts_at_id_idx" ON "appointments" USING btree ("owner_id","starts_at","id");--> statement-breakpoint
CREATE INDEX "appointments_owner_id_id_idx" ON "appointments" USING btree ("owner_id","id");--> statement-breakpoint
CREATE INDEX "appointments_doctor_id_starts_at_id_idx" ON "appointments" USING btree ("doctor_id","starts_at","id");--> statement-breakpoint
CREATE INDEX "appointments_doctor_id_id_idx" ON "appointments" USING btree ("doctor_id","id");--> statement-breakpoint
CREATE INDEX "appointments_patient_id_starts_at_id_idx" ON "appointments" USING btree ("patient_id","starts_at","id");--> statement-breakpoint
CREATE UNIQUE INDEX "calendar_feeds_token_hash_key" ON "calendar_feeds" USING btree ("token_hash");--> statement-breakpoint
CREATE INDEX "calendar_feeds_account_id_id_idx" ON "calendar_feeds" USING btree ("account_id","id");--> statement-breakpoint
CREATE INDEX "absences_doctor_id_starts_at_id_idx" ON "absences" USING btree ("doctor_id","starts_at","id");--> statement-breakpoint
ALTER TABLE "record_changes" ADD CONSTRAINT "record_changes_kind_check" CHECK ("record_changes"."kind" BETWEEN 1 AND 4);--> statement-breakpoint
-- Drizzle cannot express these. Nobody has two appointments at once. Of one patient only open ones are compared: a merge brings
-- together appointments of the past that were at the same time.
ALTER TABLE "appointments" ADD CONSTRAINT "appointments_doctor_busy"
	EXCLUDE USING gist ("doctor_id" WITH =, tstzrange("starts_at", "ends_at") WITH &&) WHERE ("status" <> 'cancelled');--> statement-breakpoint
ALTER TABLE "appointments" ADD CONSTRAINT "appointments_patient_busy"
	EXCLUDE USING gist ("patient_id" WITH =, tstzrange("starts_at", "ends_at") WITH &&) WHERE ("status" IN ('booked', 'arrived'));--> statement-breakpoint
CREATE INDEX "absences_doctor_id_period_idx" ON "absences" USING gist ("doctor_id", tstzrange("starts_at", "ends_at"));--> statement-breakpoint
-- The moment of a local time. One that a change of the clock skips is the moment of that change: PostgreSQL would take an hour
-- later. Of one that there is twice, it is the second one, as PostgreSQL says.
CREATE FUNCTION "local_moment"(local_time timestamp, zone text) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	moment timestamptz := local_time AT TIME ZONE zone;
	skipped interval := (moment AT TIME ZONE zone) - local_time;
BEGIN
	IF skipped = interval '0' THEN
		RETURN moment;
	END IF;
	RETURN (SELECT min(m) FROM generate_series(moment - skipped, moment, interval '1 minute') m WHERE m AT TIME ZONE zone >= local_time);
END $$;--> statement-breakpoint
-- The hours of a doctor on some local days, as moments.
CREATE FUNCTION "open_windows"(doctor integer, first_day date, last_day date) RETURNS SETOF tstzrange LANGUAGE sql STABLE ROWS 20
SET search_path = pg_catalog, pg_temp AS $$
	SELECT tstzrange(opens_at, closes_at)
	FROM public.schedules s,
		generate_series(date_trunc('week', first_day::timestamp), last_day::timestamp, interval '7 days') monday,
		unnest(s.week) hours,
		LATERAL (SELECT monday + make_interval(mins => lower(hours)) AS opens, monday + make_interval(mins => upper(hours)) AS closes) l,
		LATERAL (SELECT public.local_moment(opens, s.time_zone) AS opens_at, public.local_moment(closes, s.time_zone) AS closes_at OFFSET 0) m
	WHERE s.doctor_id = doctor AND opens < last_day + 1 AND closes > first_day AND opens_at < closes_at
$$;--> statement-breakpoint
-- The free slots of doctors on local days, from `not_before` on, in order of time. They begin at the opening of the hours and
-- then every `slot_minutes`. A day that is full has none. With a patient, they are free for the patient too. The appointment
-- `except_id` is to be moved, and holds no time.
CREATE FUNCTION "free_slots"(doctors integer[], first_day date, last_day date, minutes integer, not_before timestamptz, patient integer, except_id integer)
RETURNS TABLE (doctor_id integer, day date, starts_at timestamptz, ends_at timestamptz) LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH doctor AS (
		SELECT d.id, d.max_appointments_per_day AS day_limit, s.time_zone, make_interval(mins => s.slot_minutes) AS step,
			make_interval(mins => coalesce(minutes, s.slot_minutes)) AS length,
			tstzrange(first_day::timestamp AT TIME ZONE s.time_zone, (last_day + 1)::timestamp AT TIME ZONE s.time_zone
				+ make_interval(mins => coalesce(minutes, s.slot_minutes))) AS period
		FROM public.doctors d JOIN public.schedules s ON s.doctor_id = d.id
		WHERE d.id = ANY (doctors) AND d.active AND d.max_appointments_per_day > 0
	), calendar AS MATERIALIZED (
		SELECT d.*, open.windows, open.periods - coalesce(busy.periods, '{}') AS free
		FROM doctor d,
			LATERAL (
				SELECT array_agg(w) AS windows, range_agg(w) AS periods FROM public.open_windows(d.id, first_day - 1, last_day + 1) w
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
END $$;--> statement-breakpoint
-- Bookings with a doctor, and changes of the doctor's hours and absences, wait for each other.
CREATE FUNCTION "lock_calendar"(doctor integer) RETURNS void LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
	SELECT pg_advisory_xact_lock(hashtextextended('calendar ' || doctor, 0));
$$;--> statement-breakpoint
-- The hours of a doctor as they are when it is the request's turn, and locked.
CREATE FUNCTION "lock_schedule"(doctor integer) RETURNS SETOF "schedules" LANGUAGE plpgsql VOLATILE ROWS 1
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM public.lock_calendar(doctor);
	RETURN QUERY SELECT s.* FROM public.schedules s WHERE s.doctor_id = doctor FOR UPDATE;
END $$;--> statement-breakpoint
-- Which rules an appointment would break, and which slots are free next; no rules when it can be booked. It locks the calendar of
-- the doctor and that of the patient, in this order, and looks afterwards: the snapshot of a statement is older than a lock for
-- which it has waited, but under READ COMMITTED each query of a VOLATILE function has a snapshot of its own.
CREATE FUNCTION "check_appointment"(doctor integer, patient integer, starts_at timestamptz, ends_at timestamptz, except_id integer, is_overridden boolean)
RETURNS TABLE (time_zone text, rules text[], next_free jsonb) LANGUAGE plpgsql VOLATILE ROWS 1
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
	period tstzrange := tstzrange(starts_at, ends_at);
	schedule public.schedules;
	day_limit integer;
	is_active boolean;
	local_day date;
	first_day date;
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE EXCEPTION 'Appointments are booked under READ COMMITTED.' USING ERRCODE = 'feature_not_supported';
	END IF;
	PERFORM public.lock_calendar(doctor);
	PERFORM pg_advisory_xact_lock(hashtextextended('appointments of patient ' || patient, 0));
	SELECT s.* INTO schedule FROM public.schedules s WHERE s.doctor_id = doctor;
	SELECT d.max_appointments_per_day, d.active INTO day_limit, is_active FROM public.doctors d WHERE d.id = doctor;
	time_zone := schedule.time_zone;
	local_day := (starts_at AT TIME ZONE schedule.time_zone)::date;
	rules := array_remove(ARRAY[
		CASE WHEN schedule.doctor_id IS NULL THEN 'no_schedule' END,
		CASE WHEN NOT is_overridden AND schedule.doctor_id IS NOT NULL AND NOT coalesce(
			period <@ (SELECT range_agg(w) FROM public.open_windows(doctor, local_day - 1, local_day + 1) w), false) THEN 'outside_hours' END,
		CASE WHEN NOT is_overridden AND EXISTS (
			SELECT FROM public.absences b WHERE b.doctor_id = doctor AND tstzrange(b.starts_at, b.ends_at) && period) THEN 'absent' END,
		-- One that is moved within its day has its place there, even when the limit was lowered since.
		CASE WHEN NOT is_overridden
			AND NOT EXISTS (SELECT FROM public.appointments a WHERE a.id = except_id AND a.doctor_id = doctor AND a.day = local_day)
			AND (SELECT count(*) FROM public.appointments a WHERE a.doctor_id = doctor AND a.day = local_day AND a.status <> 'cancelled') >= day_limit
			THEN 'day_full' END,
		CASE WHEN EXISTS (
			SELECT FROM public.appointments a WHERE a.doctor_id = doctor AND a.status <> 'cancelled'
				AND a.id IS DISTINCT FROM except_id AND tstzrange(a.starts_at, a.ends_at) && period) THEN 'doctor_busy' END,
		CASE WHEN EXISTS (
			SELECT FROM public.appointments a WHERE a.patient_id = patient AND a.status <> 'cancelled'
				AND a.id IS DISTINCT FROM except_id AND a.starts_at < upper(period) AND a.ends_at > lower(period)) THEN 'patient_busy' END
	], NULL);
	IF rules <> '{}' THEN
		next_free := '[]';
		IF is_active AND schedule.doctor_id IS NOT NULL THEN
			first_day := greatest(local_day, (now() AT TIME ZONE schedule.time_zone)::date);
			FOR local_day IN SELECT first_day + n FROM generate_series(0, 13) n LOOP
				EXIT WHEN jsonb_array_length(next_free) >= 3;
				next_free := next_free || (
					SELECT coalesce(jsonb_agg(jsonb_build_object(
						'starts_at', to_char(f.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
						'ends_at', to_char(f.ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) ORDER BY f.starts_at), '[]')
					FROM (
						SELECT * FROM public.free_slots(ARRAY[doctor], local_day, local_day,
							(extract(epoch FROM ends_at - starts_at) / 60)::integer, greatest(starts_at, now()), patient, except_id)
						LIMIT 3 - jsonb_array_length(next_free)
					) f);
			END LOOP;
		END IF;
	END IF;
	RETURN NEXT;
END $$;--> statement-breakpoint
-- The open appointments of patients, with one doctor or, when it is NULL, with all. The patients or their assignments are locked:
-- it sees what was booked before that.
CREATE FUNCTION "open_appointments"(patients integer[], doctor integer) RETURNS SETOF "appointments" LANGUAGE plpgsql VOLATILE ROWS 1
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	-- OFFSET 0: one index scan for each patient. With `patient_id = ANY (patients)` PostgreSQL reads all open appointments while it
	-- takes them for few.
	RETURN QUERY SELECT a.* FROM unnest(patients) patient, LATERAL (
			SELECT * FROM public.appointments a
			WHERE a.patient_id = patient AND a.status IN ('booked', 'arrived') AND (doctor IS NULL OR a.doctor_id = doctor) OFFSET 0
		) a
		ORDER BY a.id;
END $$;--> statement-breakpoint
-- The booked appointments of a doctor in a period, when it is the request's turn.
CREATE FUNCTION "booked_appointments"(doctor integer, period tstzrange) RETURNS SETOF "appointments" LANGUAGE plpgsql VOLATILE ROWS 1
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM public.lock_calendar(doctor);
	RETURN QUERY SELECT a.* FROM public.appointments a
		WHERE a.doctor_id = doctor AND a.status = 'booked' AND tstzrange(a.starts_at, a.ends_at) && period
		ORDER BY a.id;
END $$;--> statement-breakpoint
-- How many open appointments of a doctor that have not ended count their days by another time zone. The calendar is locked.
CREATE FUNCTION "appointments_in_other_zone"(doctor integer, zone text) RETURNS integer LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (SELECT count(*) FROM public.appointments a
		WHERE a.doctor_id = doctor AND a.status IN ('booked', 'arrived') AND a.ends_at > now() AND lower(a.time_zone) <> lower(zone));
END $$;--> statement-breakpoint
-- The open appointments of two patients that are at the same time. Both patients are locked.
CREATE FUNCTION "overlapping_appointments"(patient integer, other_patient integer) RETURNS integer[] LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN ARRAY(
		SELECT unnest(ARRAY[a.id, b.id]) id
		FROM public.appointments a JOIN public.appointments b ON b.starts_at < a.ends_at AND b.ends_at > a.starts_at
		WHERE a.patient_id = patient AND b.patient_id = other_patient
			AND a.status IN ('booked', 'arrived') AND b.status IN ('booked', 'arrived')
		ORDER BY id);
END $$;--> statement-breakpoint
-- Cancels those that are still open, in the order of their ids, and returns them.
CREATE FUNCTION "cancel_appointments"(ids integer[], reason text) RETURNS SETOF "appointments" LANGUAGE plpgsql VOLATILE ROWS 1
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM FROM public.appointments a WHERE a.id = ANY (ids) ORDER BY a.id FOR UPDATE;
	RETURN QUERY UPDATE public.appointments a
		SET status = 'cancelled', cancel_reason = reason, updated_at = now(), version = a.version + 1
		WHERE a.id = ANY (ids) AND a.status IN ('booked', 'arrived') RETURNING a.*;
END $$;--> statement-breakpoint
-- Behind `check_appointment`: for an operator, or a version of the code that forgets it.
CREATE FUNCTION "appointments_day_full"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM public.lock_calendar(NEW.doctor_id);
	IF (SELECT count(*) FROM public.appointments a WHERE a.doctor_id = NEW.doctor_id AND a.day = NEW.day AND a.status <> 'cancelled')
			> (SELECT d.max_appointments_per_day FROM public.doctors d WHERE d.id = NEW.doctor_id) THEN
		RAISE EXCEPTION 'The doctor has no more appointments on this day.'
			USING ERRCODE = 'exclusion_violation', TABLE = 'appointments', CONSTRAINT = 'appointments_day_full';
	END IF;
	RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER "appointments_day_full" AFTER INSERT ON "appointments" FOR EACH ROW
	WHEN (NEW.status <> 'cancelled' AND NEW.override_reason IS NULL) EXECUTE FUNCTION "appointments_day_full"();--> statement-breakpoint
CREATE TRIGGER "appointments_moved_day_full" AFTER UPDATE ON "appointments" FOR EACH ROW
	WHEN (NEW.status <> 'cancelled' AND NEW.override_reason IS NULL AND (OLD.doctor_id, OLD.day) IS DISTINCT FROM (NEW.doctor_id, NEW.day))
	EXECUTE FUNCTION "appointments_day_full"();--> statement-breakpoint
-- An open appointment is one with a doctor who is assigned to the patient. An ended assignment is no row of `mappings`, so no
-- foreign key can say it: a new appointment locks its assignment, and an assignment does not end before its open appointments.
CREATE FUNCTION "appointments_assigned"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM FROM public.mappings m WHERE m.patient_id = NEW.patient_id AND m.doctor_id = NEW.doctor_id FOR KEY SHARE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'The doctor is not assigned to the patient.'
			USING ERRCODE = 'foreign_key_violation', TABLE = 'appointments', CONSTRAINT = 'appointments_assigned';
	END IF;
	RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER "appointments_assigned" AFTER INSERT ON "appointments" FOR EACH ROW
	WHEN (NEW.status IN ('booked', 'arrived')) EXECUTE FUNCTION "appointments_assigned"();--> statement-breakpoint
CREATE TRIGGER "appointments_changed_assigned" AFTER UPDATE OF "doctor_id", "status" ON "appointments" FOR EACH ROW
	WHEN (NEW.status IN ('booked', 'arrived') AND (OLD.doctor_id <> NEW.doctor_id OR OLD.status NOT IN ('booked', 'arrived')))
	EXECUTE FUNCTION "appointments_assigned"();--> statement-breakpoint
CREATE FUNCTION "mappings_open_appointments"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT FROM public.open_appointments(ARRAY[OLD.patient_id], OLD.doctor_id))
			AND NOT EXISTS (SELECT FROM public.mappings m WHERE m.patient_id = OLD.patient_id AND m.doctor_id = OLD.doctor_id) THEN
		RAISE EXCEPTION 'The patient has open appointments with this doctor.'
			USING ERRCODE = 'foreign_key_violation', TABLE = 'appointments', CONSTRAINT = 'appointments_assigned';
	END IF;
	RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER "mappings_open_appointments" AFTER DELETE OR UPDATE OF "patient_id", "doctor_id" ON "mappings" FOR EACH ROW
	EXECUTE FUNCTION "mappings_open_appointments"();--> statement-breakpoint
-- An appointment comes to the clinic that owns its patient and to the doctor's own account, or leaves them. Kind 4.
CREATE FUNCTION "appointments_record_change"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO public.record_changes (audience, audience_id, kind, record_id, version)
	SELECT DISTINCT c.audience, c.audience_id, 4, coalesce(NEW.id, OLD.id), coalesce(NEW.version, OLD.version)
	FROM (VALUES (OLD.owner_id, OLD.doctor_id), (NEW.owner_id, NEW.doctor_id)) a (owner_id, doctor_id),
		LATERAL (VALUES ('account', a.owner_id), ('doctor', a.doctor_id)) c (audience, audience_id)
	WHERE a.owner_id IS NOT NULL;
	RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER "appointments_record_change" AFTER INSERT OR UPDATE OR DELETE ON "appointments" FOR EACH ROW
	EXECUTE FUNCTION "appointments_record_change"();--> statement-breakpoint
REVOKE ALL ON FUNCTION "appointments_day_full"(), "appointments_assigned"(), "mappings_open_appointments"(), "appointments_record_change"() FROM PUBLIC;--> statement-breakpoint
-- As in 0034, with the appointments.
CREATE OR REPLACE FUNCTION "assignments_come_back"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE public.mappings SET owner_id = NEW.owner_id WHERE patient_id = NEW.id;
	UPDATE public.ended_assignments SET owner_id = NEW.owner_id WHERE patient_id = NEW.id;
	UPDATE public.appointments SET owner_id = NEW.owner_id WHERE patient_id = NEW.id;
	RETURN NULL;
END $$;--> statement-breakpoint
-- As in 0034, with the appointments.
CREATE OR REPLACE FUNCTION "merge_assignments"(merged integer, survivor integer) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	doctors_before jsonb := (SELECT coalesce(jsonb_agg(m.doctor_id ORDER BY m.doctor_id), '[]') FROM public.mappings m WHERE m.patient_id = survivor);
	doubles jsonb;
	moved jsonb;
	accesses jsonb;
	ended jsonb;
	appointments jsonb;
	survivor_primary integer := (SELECT m.id FROM public.mappings m WHERE m.patient_id = survivor AND m.is_primary);
	merged_primary integer := (SELECT m.id FROM public.mappings m WHERE m.patient_id = merged AND m.is_primary);
	gained_primary integer;
BEGIN
	-- Before the assignments: an assignment does not leave its open appointments.
	WITH updated AS (
		UPDATE public.appointments a SET patient_id = survivor, version = a.version + 1 WHERE a.patient_id = merged RETURNING a.id
	)
	SELECT coalesce(jsonb_agg(id ORDER BY id), '[]') FROM updated INTO appointments;
	WITH deleted AS (
		DELETE FROM public.mappings m WHERE m.patient_id = merged
			AND EXISTS (SELECT FROM public.mappings own WHERE own.patient_id = survivor AND own.doctor_id = m.doctor_id)
		RETURNING m.id, m.doctor_id, m.assigned_at, m.role, m.is_primary, m.version
	)
	SELECT coalesce(jsonb_agg(to_jsonb(deleted) ORDER BY id), '[]') FROM deleted INTO doubles;
	-- Of the same doctor as a primary one that is deleted.
	UPDATE public.mappings m SET is_primary = true, version = m.version + 1
		FROM jsonb_to_recordset(doubles) AS gone (doctor_id integer, is_primary boolean)
		WHERE survivor_primary IS NULL AND gone.is_primary AND m.patient_id = survivor AND m.doctor_id = gone.doctor_id
		RETURNING m.id INTO gained_primary;
	WITH updated AS (
		UPDATE public.mappings m SET patient_id = survivor, is_primary = m.is_primary AND survivor_primary IS NULL, version = m.version + 1
		WHERE m.patient_id = merged RETURNING m.id
	)
	SELECT coalesce(jsonb_agg(id ORDER BY id), '[]') FROM updated INTO moved;
	WITH updated AS (
		UPDATE public.ended_assignments m SET patient_id = survivor WHERE m.patient_id = merged RETURNING m.id
	)
	SELECT coalesce(jsonb_agg(id ORDER BY id), '[]') FROM updated INTO ended;
	-- An expired one is of no use, and would keep a valid one from moving.
	DELETE FROM public.emergency_accesses own WHERE own.patient_id = survivor AND own.expires_at <= now()
		AND EXISTS (SELECT FROM public.emergency_accesses ea WHERE ea.patient_id = merged AND ea.account_id = own.account_id);
	WITH updated AS (
		UPDATE public.emergency_accesses ea SET patient_id = survivor WHERE ea.patient_id = merged
			AND NOT EXISTS (SELECT FROM public.emergency_accesses own WHERE own.patient_id = survivor AND own.account_id = ea.account_id)
		RETURNING ea.id
	)
	SELECT coalesce(jsonb_agg(id ORDER BY id), '[]') FROM updated INTO accesses;
	RETURN jsonb_build_object('doubles', doubles, 'moved', moved, 'ended', ended, 'accesses', accesses, 'appointments', appointments,
		'gained_primary', gained_primary, 'lost_primary', CASE WHEN survivor_primary IS NOT NULL THEN merged_primary END, 'doctors', jsonb_build_object(
		'before', doctors_before,
		'after', (SELECT coalesce(jsonb_agg(m.doctor_id ORDER BY m.doctor_id), '[]') FROM public.mappings m WHERE m.patient_id = survivor)));
END $$;--> statement-breakpoint
-- As in 0034, with the appointments.
CREATE OR REPLACE FUNCTION "return_assignments"(merged integer, survivor integer, owner integer, snapshot jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	doctors_before jsonb := (SELECT coalesce(jsonb_agg(m.doctor_id ORDER BY m.doctor_id), '[]') FROM public.mappings m WHERE m.patient_id = survivor);
	moved integer[] := ARRAY(SELECT value::integer FROM jsonb_array_elements_text(snapshot -> 'moved'));
	returned integer;
	doubles integer;
BEGIN
	-- Before the assignments, as in a merge.
	UPDATE public.appointments a SET patient_id = merged, version = a.version + 1
		WHERE a.id IN (SELECT value::integer FROM jsonb_array_elements_text(snapshot -> 'appointments')) AND a.patient_id = survivor;
	-- Before the assignments: a deletion of a doctor locks the doctor first.
	PERFORM FROM public.doctors d WHERE d.id IN (SELECT (item ->> 'doctor_id')::integer FROM jsonb_array_elements(snapshot -> 'doubles') item)
		ORDER BY d.id FOR KEY SHARE;
	UPDATE public.mappings m SET patient_id = merged, version = m.version + 1 WHERE m.id = ANY (moved) AND m.patient_id = survivor;
	GET DIAGNOSTICS returned = ROW_COUNT;
	UPDATE public.mappings m SET is_primary = false, version = m.version + 1
		WHERE m.id = (snapshot ->> 'gained_primary')::integer AND m.patient_id = survivor AND m.is_primary;
	INSERT INTO public.mappings (id, patient_id, owner_id, doctor_id, assigned_at, role, is_primary, version) OVERRIDING SYSTEM VALUE
		SELECT gone.id, merged, owner, gone.doctor_id, gone.assigned_at, coalesce(gone.role, 'attending'),
			coalesce(gone.is_primary, false) AND NOT EXISTS (SELECT FROM public.mappings own WHERE own.patient_id = merged AND own.is_primary),
			coalesce(gone.version, 1)
		FROM jsonb_to_recordset(snapshot -> 'doubles')
			AS gone (id integer, doctor_id integer, assigned_at timestamptz(3), role text, is_primary boolean, version integer)
		WHERE EXISTS (SELECT FROM public.doctors d WHERE d.id = gone.doctor_id)
		ON CONFLICT DO NOTHING;
	GET DIAGNOSTICS doubles = ROW_COUNT;
	UPDATE public.mappings m SET is_primary = true, version = m.version + 1
		WHERE m.id = (snapshot ->> 'lost_primary')::integer AND m.patient_id = merged
			AND NOT EXISTS (SELECT FROM public.mappings own WHERE own.patient_id = merged AND own.is_primary);
	UPDATE public.ended_assignments m SET patient_id = merged
		WHERE m.patient_id = survivor AND (m.id = ANY (moved)
			OR m.id IN (SELECT value::integer FROM jsonb_array_elements_text(snapshot -> 'ended')));
	UPDATE public.emergency_accesses ea SET patient_id = merged
		WHERE ea.id IN (SELECT value::integer FROM jsonb_array_elements_text(snapshot -> 'accesses')) AND ea.patient_id = survivor
			-- It lasts an hour: a later end is that of an access that the admin got to the survivor since.
			AND ea.expires_at <= (SELECT max(g.at) FROM public.patient_merges g WHERE g.merged_id = merged) + interval '1 hour'
			AND NOT EXISTS (SELECT FROM public.emergency_accesses own WHERE own.patient_id = merged AND own.account_id = ea.account_id);
	-- The appointments were returned before the assignments. One may be with a doctor who is assigned to the survivor only.
	IF EXISTS (SELECT FROM public.open_appointments(ARRAY[merged], NULL) a
			WHERE NOT EXISTS (SELECT FROM public.mappings m WHERE m.patient_id = merged AND m.doctor_id = a.doctor_id)) THEN
		RAISE EXCEPTION 'The merged patient has open appointments with a doctor who is not assigned to it.'
			USING ERRCODE = 'foreign_key_violation', TABLE = 'appointments', CONSTRAINT = 'appointments_assigned';
	END IF;
	RETURN jsonb_build_object('returned', returned + doubles, 'ended', cardinality(moved) - returned,
		'doctor_deleted', jsonb_array_length(snapshot -> 'doubles') - doubles, 'doctors', jsonb_build_object(
			'before', doctors_before,
			'after', (SELECT coalesce(jsonb_agg(m.doctor_id ORDER BY m.doctor_id), '[]') FROM public.mappings m WHERE m.patient_id = survivor)));
END $$;--> statement-breakpoint
-- As in 0034, with the appointments.
CREATE OR REPLACE FUNCTION "erase_patient"(erased_id integer, max_events integer) RETURNS json LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	erased_ids integer[] := erased_id || public.merged_patients(erased_id);
	one_id integer;
	audit_changes integer := 0;
	assignments integer := 0;
	ended_assignments integer := 0;
	appointments integer := 0;
	appointment_responses integer := 0;
	emergency_accesses integer := 0;
	stored_responses integer := 0;
	merged_responses integer := 0;
	identifiers integer := 0;
	merges integer := 0;
	patients integer := 0;
	has_more boolean := false;
BEGIN
	-- In the order of their ids, as merges do.
	PERFORM FROM public.patients p WHERE p.id = ANY (erased_ids) ORDER BY p.id FOR UPDATE;
	IF NOT EXISTS (SELECT FROM public.patients p WHERE p.id = erased_id AND p.deleted_at IS NOT NULL) THEN
		RETURN NULL;
	END IF;
	FOREACH one_id IN ARRAY erased_ids LOOP
		EXIT WHEN has_more;
		audit_changes := audit_changes + public.erase_audit_values(one_id, max_events - audit_changes);
		has_more := coalesce(audit_changes >= max_events, false);
	END LOOP;
	IF NOT has_more THEN
		-- The stored response of a booking has its note.
		UPDATE public.idempotency_keys k SET answer = '{}'
		FROM public.appointments a
		WHERE a.patient_id = ANY (erased_ids) AND k.created_at = a.created_at AND k.account_id = a.created_by AND k.record_id = a.id
			AND k.answer::json -> 'starts_at' IS NOT NULL;
		GET DIAGNOSTICS appointment_responses = ROW_COUNT;
		DELETE FROM public.appointments a WHERE a.patient_id = ANY (erased_ids);
		GET DIAGNOSTICS appointments = ROW_COUNT;
		DELETE FROM public.mappings m WHERE m.patient_id = ANY (erased_ids);
		GET DIAGNOSTICS assignments = ROW_COUNT;
		DELETE FROM public.ended_assignments m WHERE m.patient_id = ANY (erased_ids);
		GET DIAGNOSTICS ended_assignments = ROW_COUNT;
		DELETE FROM public.emergency_accesses ea WHERE ea.patient_id = ANY (erased_ids);
		GET DIAGNOSTICS emergency_accesses = ROW_COUNT;
		-- Without its response the key stays: the request, sent again, must not create the patient again. It was stored in the
		-- transaction that created the patient, so its index on the time finds it. Only a patient's response has an age.
		UPDATE public.idempotency_keys k SET answer = '{}'
		FROM public.patients p
		WHERE p.id = ANY (erased_ids) AND k.created_at = p.created_at AND k.account_id = p.created_by AND k.record_id = p.id
			AND k.answer::json -> 'age' IS NOT NULL;
		GET DIAGNOSTICS stored_responses = ROW_COUNT;
		-- The response of a merge is the survivor with what it took.
		UPDATE public.idempotency_keys k SET answer = '{}'
		FROM public.patient_merges g
		WHERE (g.survivor_id = ANY (erased_ids) OR g.merged_id = ANY (erased_ids))
			AND k.created_at = g.at AND k.account_id = g.account_id AND k.record_id = g.survivor_id
			AND k.answer::json -> 'age' IS NOT NULL;
		GET DIAGNOSTICS merged_responses = ROW_COUNT;
		DELETE FROM public.patient_identifiers i WHERE i.patient_id = ANY (erased_ids);
		GET DIAGNOSTICS identifiers = ROW_COUNT;
		DELETE FROM public.patient_merges g WHERE g.survivor_id = ANY (erased_ids) OR g.merged_id = ANY (erased_ids);
		GET DIAGNOSTICS merges = ROW_COUNT;
		DELETE FROM public.patients p WHERE p.id = ANY (erased_ids);
		GET DIAGNOSTICS patients = ROW_COUNT;
	END IF;
	RETURN (
		SELECT row_to_json(o) FROM (
			SELECT (
				SELECT row_to_json(r) FROM (
					SELECT patients, assignments + ended_assignments AS assignments, appointments, identifiers, merges, emergency_accesses, stored_responses + merged_responses + appointment_responses AS stored_responses, audit_changes
				) r
			) AS removed, has_more AS more
		) o);
END $$;
