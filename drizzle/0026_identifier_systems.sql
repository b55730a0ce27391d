CREATE TABLE "identifier_systems" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "identifier_systems_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"name" text COLLATE "C" NOT NULL,
	"uri" text,
	"pattern" text,
	"check_digit" text DEFAULT 'none' NOT NULL,
	"created_by" integer NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "identifier_systems_name_check" CHECK ("identifier_systems"."name" ~ '^[a-z0-9-]{1,32}$'),
	CONSTRAINT "identifier_systems_uri_check" CHECK ("identifier_systems"."uri" COLLATE "C" ~ '^[A-Za-z][A-Za-z0-9+.-]{0,31}:[]!#-:\u003b=?-Z_a-z~[]{1,220}$'),
	CONSTRAINT "identifier_systems_pattern_check" CHECK (char_length("identifier_systems"."pattern") <= 200 AND "identifier_systems"."pattern" COLLATE "C" ~ '^((\\d|\[A-Z\]|\[A-Z0-9\]|[A-Z0-9/:_#]|\\\.)(\{\d{1,2}(,\d{1,2})?\})?)+$'),
	CONSTRAINT "identifier_systems_check_digit_check" CHECK ("identifier_systems"."check_digit" IN ('none', 'mod10', 'mod11', 'mod97'))
);
--> statement-breakpoint
ALTER TABLE "identifier_systems" ADD CONSTRAINT "identifier_systems_created_by_fkey" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "identifier_systems_name_key" ON "identifier_systems" USING btree ("name");--> statement-breakpoint
-- The form in which identifiers are compared: in upper case, without spaces and hyphens. NFKC makes a full-width digit
-- or letter a plain one, and of a no-break space or hyphen a plain one. Spreadsheets and word processors write dashes
-- (U+2010 to U+2015) and the minus sign for a hyphen.
CREATE FUNCTION "identifier_key"(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN upper(regexp_replace(normalize(value, NFKC), '[\s\u1680\u2010-\u2015\u2028\u2029\u2212-]', '', 'g') COLLATE "und-x-icu");--> statement-breakpoint
-- Whether the last characters of an identifier fit the others. `mod10` is the algorithm of Luhn (ISO/IEC 7812-1). `mod11`
-- has ten places with the weights 10 to 1; the last one may be X for 10 (ISBN-10, NHS number). `mod97` is MOD 97-10 of
-- ISO/IEC 7064, as in an LEI: letters count as 10 to 35, and the remainder is 1.
CREATE FUNCTION "check_digit_valid"(kind text, key text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
	sum integer := 0;
	digit integer;
BEGIN
	IF kind = 'none' THEN RETURN true; END IF;
	IF key COLLATE "C" !~ (CASE kind WHEN 'mod10' THEN '^[0-9]{2,}$' WHEN 'mod11' THEN '^[0-9]{9}[0-9X]$' ELSE '^[0-9A-Z]+[0-9]{2}$' END) THEN
		RETURN false;
	END IF;
	FOR n IN 1..length(key) LOOP
		digit := CASE WHEN substr(key, n, 1) COLLATE "C" < 'A' THEN substr(key, n, 1)::integer ELSE ascii(substr(key, n, 1)) - 55 END;
		IF kind = 'mod10' THEN
			IF (length(key) - n) % 2 = 1 THEN digit := digit * 2; END IF;
			sum := sum + digit / 10 + digit % 10;
		ELSIF kind = 'mod11' THEN
			sum := sum + (11 - n) * (CASE WHEN digit > 9 THEN 10 ELSE digit END);
		ELSE
			sum := (sum * (CASE WHEN digit > 9 THEN 100 ELSE 10 END) + digit) % 97;
		END IF;
	END LOOP;
	RETURN CASE kind WHEN 'mod10' THEN sum % 10 = 0 WHEN 'mod11' THEN sum % 11 = 0 ELSE sum = 1 END;
END $$;--> statement-breakpoint
-- What is wrong with the identifiers of a record, an array of {system, value}: their places from 0 on, the field, and the
-- code of the error. Those that the record has already are not checked: the pattern of their system may have changed.
CREATE FUNCTION "identifier_errors"(identifiers jsonb, existing jsonb) RETURNS TABLE (place integer, field text, code text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN QUERY
	SELECT c.n, CASE WHEN c.code = 'no_such_record' THEN 'system' ELSE 'value' END, c.code
	FROM (
		SELECT i.n, CASE
			WHEN i.n > min(i.n) OVER (PARTITION BY i.system, i.key) THEN 'identifier_repeated'
			WHEN (i.system, i.key) IN (
				SELECT e ->> 'system', public.identifier_key(e ->> 'value') FROM jsonb_array_elements(existing) e) THEN NULL
			WHEN sy.id IS NULL THEN 'no_such_record'
			WHEN i.key COLLATE "C" !~ ('^(?:' || sy.pattern || ')$') THEN 'invalid_format'
			WHEN NOT public.check_digit_valid(sy.check_digit, i.key) THEN 'invalid_check_digit' END AS code
		FROM (
			SELECT (ordinality - 1)::integer AS n, item ->> 'system' AS system, public.identifier_key(item ->> 'value') AS key
			FROM jsonb_array_elements(identifiers) WITH ORDINALITY a (item)
		) i
		LEFT JOIN public.identifier_systems sy ON sy.name = i.system COLLATE "C"
	) c
	WHERE c.code IS NOT NULL ORDER BY c.n;
END $$;--> statement-breakpoint
-- The id of the system with a name. By it a duplicate takes no id: it waits for a concurrent request with the same name, and
-- sees what that one has created.
CREATE FUNCTION "identifier_system_with_name"(wanted text) RETURNS SETOF integer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('identifier system ' || wanted, 0));
	RETURN QUERY SELECT id FROM public.identifier_systems WHERE name = wanted COLLATE "C";
END $$;
