-- A birth date may lack its day, or its month and day. An age was right on one day. Each is a range of possible days of
-- birth. make_date, because a cast of text to a date depends on settings and cannot be part of a generated column.
CREATE FUNCTION "earliest_birth_day"(birth_date text, age integer, age_as_of date) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
	-- The day after the latest one on which the person would have been a year older.
	WHEN birth_date IS NULL THEN (age_as_of - make_interval(years => age + 1))::date + 1
	ELSE make_date(left(birth_date, 4)::int, coalesce(nullif(substr(birth_date, 6, 2), '')::int, 1), coalesce(nullif(substr(birth_date, 9), '')::int, 1))
END;
--> statement-breakpoint
CREATE FUNCTION "latest_birth_day"(birth_date text, age integer, age_as_of date) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE length(birth_date)
	WHEN 10 THEN make_date(left(birth_date, 4)::int, substr(birth_date, 6, 2)::int, substr(birth_date, 9)::int)
	WHEN 7 THEN (make_date(left(birth_date, 4)::int, substr(birth_date, 6)::int, 1) + interval '1 month')::date - 1
	WHEN 4 THEN make_date(birth_date::int, 12, 31)
	-- 28 February when it is 29 February now and that year had none.
	ELSE (age_as_of - make_interval(years => age))::date
END;
--> statement-breakpoint
-- The age in years on a day; 0 before birth. Who was born on 29 February is a year older on 1 March.
CREATE FUNCTION "age_on"(birth_day date, day date) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN greatest(0, extract(year FROM age(day::timestamp, birth_day::timestamp))::int);
--> statement-breakpoint
-- What a request makes of the birth date and the age of a patient; all three are NULL for a new one. What equals the
-- response to a GET today, or yesterday, counts as not sent, so that a client can send a whole record back.
-- sent_birth_date is empty when the request sends null. today is the date in the API's time zone.
CREATE FUNCTION "change_birth"(birth_date text, age integer, age_as_of date, sent_birth_date text, sent_age integer, today date,
	OUT new_birth_date text, OUT new_age integer, OUT new_age_as_of date, OUT error_field text, OUT error_code text)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
	earliest date := earliest_birth_day(birth_date, age, age_as_of);
	latest date := latest_birth_day(birth_date, age, age_as_of);
BEGIN
	new_birth_date := birth_date;
	new_age := age;
	new_age_as_of := age_as_of;
	-- An age that was said today was answered on no other day: it can be corrected to one less.
	IF latest IS NOT NULL AND (sent_age = age_on(latest, today) OR sent_age = age_on(latest, today - 1) AND age_as_of IS DISTINCT FROM today) THEN
		sent_age := NULL;
	END IF;
	IF sent_birth_date IS NOT DISTINCT FROM coalesce(birth_date, '') THEN sent_birth_date := NULL; END IF;
	IF sent_birth_date = '' THEN
		error_field := 'birth_date'; error_code := 'birth_date_known';
	ELSIF sent_birth_date IS NOT NULL THEN
		earliest := earliest_birth_day(sent_birth_date, NULL, NULL);
		latest := latest_birth_day(sent_birth_date, NULL, NULL);
		IF earliest > today + 1 THEN
			error_field := 'birth_date'; error_code := 'in_the_future';
		ELSIF latest < (today - interval '120 years')::date THEN
			error_field := 'birth_date'; error_code := 'too_long_ago';
		END IF;
		new_birth_date := sent_birth_date;
		new_age := NULL;
		new_age_as_of := NULL;
	ELSIF sent_age > 120 THEN
		error_field := 'age'; error_code := 'too_big';
	ELSIF sent_age IS NOT NULL AND birth_date IS NULL THEN
		new_age := sent_age;
		new_age_as_of := today;
	END IF;
	-- A day more on both sides: the client may be in another time zone.
	IF new_birth_date IS NOT NULL AND error_field IS NULL
		AND sent_age NOT BETWEEN age_on(latest, today - 1) AND age_on(earliest, today + 1) THEN
		error_field := 'age'; error_code := 'age_disagrees';
	END IF;
END $$;
--> statement-breakpoint
ALTER TABLE "patients"
	ALTER COLUMN "age" DROP NOT NULL,
	ADD COLUMN "birth_date" text,
	ADD COLUMN "age_as_of" date DEFAULT CURRENT_DATE;
--> statement-breakpoint
-- The day on which the age of an existing patient was right: of the newest audit event that set it, or of the last change.
-- An import sets the age of all its patients. Version 1.1 names the patient of every event in `patients`, not in `patient_id`.
CREATE TEMPORARY TABLE "ages_set" ON COMMIT DROP AS
SELECT subject AS patient_id, max(e.at) AS at FROM audit_events e, unnest(coalesce(e.patients, ARRAY[e.patient_id])) subject
WHERE e.outcome = 'done' AND (e.action = 'import' OR e.changes -> 'age' IS NOT NULL) AND subject IS NOT NULL GROUP BY subject;
--> statement-breakpoint
ALTER TABLE "ages_set" ADD PRIMARY KEY ("patient_id");
--> statement-breakpoint
CREATE FUNCTION "age_set_on"(patient integer, updated_at timestamptz) RETURNS date LANGUAGE sql STABLE
AS $$ SELECT (coalesce((SELECT at FROM ages_set WHERE patient_id = patient), updated_at) AT TIME ZONE 'UTC')::date $$;
--> statement-breakpoint
-- One statement for all three columns: it writes the table anew once.
ALTER TABLE "patients"
	ALTER COLUMN "age_as_of" DROP DEFAULT,
	ALTER COLUMN "age_as_of" TYPE date USING age_set_on(id, updated_at),
	ALTER COLUMN "age_as_of" SET DEFAULT CURRENT_DATE,
	ADD COLUMN "born_from" date GENERATED ALWAYS AS (earliest_birth_day(birth_date, age, age_as_of)) STORED NOT NULL,
	ADD COLUMN "born_to" date GENERATED ALWAYS AS (latest_birth_day(birth_date, age, age_as_of)) STORED NOT NULL;
--> statement-breakpoint
DROP FUNCTION "age_set_on";
--> statement-breakpoint
ALTER TABLE "patients" ADD CONSTRAINT "patients_age_as_of_check" CHECK (num_nulls("patients"."age", "patients"."age_as_of") IN (0, 2));
--> statement-breakpoint
ALTER TABLE "patients" ADD CONSTRAINT "patients_birth_date_check" CHECK (num_nulls("patients"."birth_date", "patients"."age") = 1
        AND "patients"."birth_date" COLLATE "C" ~ '^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$');
--> statement-breakpoint
-- Version 1.1 changes the age alone, without its day.
CREATE FUNCTION "patients_date_age"() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	NEW.age_as_of := CURRENT_DATE;
	RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER "patients_date_age" BEFORE UPDATE OF age ON "patients" FOR EACH ROW
WHEN (NEW.age <> OLD.age AND NEW.age_as_of = OLD.age_as_of AND NEW.age_as_of < CURRENT_DATE - 1) EXECUTE FUNCTION patients_date_age();
