-- The same rules as in 0021 and 0024, in PL/pgSQL. PostgreSQL prepares check constraints and generated columns anew for each
-- INSERT and UPDATE. It puts functions in SQL into them, and so reads their text each time: the regular expression of emails
-- alone has 2 KB. That was a fifth of the CPU of a patient's creation (docs/decisions/0019-checks-in-plpgsql.md).
CREATE OR REPLACE FUNCTION "is_email"(address text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN octet_length(split_part(address, '@', 1)) <= 64
		AND octet_length(split_part(address, '@', 2)) <= 255
		AND split_part(address, '@', 2) COLLATE "C" !~ '[^.]{64}'
		AND address IS NFC NORMALIZED
		AND address COLLATE "C" ~ '^[^\u0000- "(),.:-<>@\u005b-\u005d\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u206f\u2800\u3000-\u3002\u3164\ud800-\uf8ff\ufb00-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]+(?:\.[^\u0000- "(),.:-<>@\u005b-\u005d\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u206f\u2800\u3000-\u3002\u3164\ud800-\uf8ff\ufb00-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]+)*@(?:[^\u0000-/:-@\u005b-\u0060{-~\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u206f\u2800\u3000-\u3002\u3164\ud800-\uf8ff\ufb00-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff](?:[^\u0000-,./:-@\u005b-\u0060{-~\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u206f\u2800\u3000-\u3002\u3164\ud800-\uf8ff\ufb00-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]*[^\u0000-/:-@\u005b-\u0060{-~\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u206f\u2800\u3000-\u3002\u3164\ud800-\uf8ff\ufb00-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff])?\.)+(?:[^\u0000-@\u005b-\u0060{-~\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u206f\u2800\u3000-\u3002\u3164\ud800-\uf8ff\ufb00-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]{2,}|[Xx][Nn]--[0-9A-Za-z-]*[0-9A-Za-z])$';
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION "earliest_birth_day"(birth_date text, age integer, age_as_of date) RETURNS date LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN CASE
		-- The day after the latest one on which the person would have been a year older.
		WHEN birth_date IS NULL THEN (age_as_of - make_interval(years => age + 1))::date + 1
		ELSE make_date(left(birth_date, 4)::int, coalesce(nullif(substr(birth_date, 6, 2), '')::int, 1), coalesce(nullif(substr(birth_date, 9), '')::int, 1))
	END;
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION "latest_birth_day"(birth_date text, age integer, age_as_of date) RETURNS date LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN CASE length(birth_date)
		WHEN 10 THEN make_date(left(birth_date, 4)::int, substr(birth_date, 6, 2)::int, substr(birth_date, 9)::int)
		WHEN 7 THEN (make_date(left(birth_date, 4)::int, substr(birth_date, 6)::int, 1) + interval '1 month')::date - 1
		WHEN 4 THEN make_date(birth_date::int, 12, 31)
		-- 28 February when it is 29 February now and that year had none.
		ELSE (age_as_of - make_interval(years => age))::date
	END;
END $$;
--> statement-breakpoint
-- A function in PL/pgSQL plans its expressions anew when the search path is not the one of its last call. These are called by
-- statements and by functions that set it.
ALTER FUNCTION "name_words"(text) SET search_path = pg_catalog, pg_temp;
--> statement-breakpoint
ALTER FUNCTION "name_spellings"(text) SET search_path = pg_catalog, pg_temp;
--> statement-breakpoint
ALTER FUNCTION "check_digit_valid"(text, text) SET search_path = pg_catalog, pg_temp;
