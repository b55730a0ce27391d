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
CREATE TABLE "patient_identifiers" (
	"patient_id" integer NOT NULL,
	"owner_id" integer,
	"system" text COLLATE "C" NOT NULL,
	"key" text COLLATE "C" NOT NULL,
	CONSTRAINT "patient_identifiers_pkey" PRIMARY KEY("patient_id","system","key")
);
--> statement-breakpoint
ALTER TABLE "patients" DROP CONSTRAINT "patients_contact_check";--> statement-breakpoint
ALTER TABLE "patients" ADD COLUMN "identifiers" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "identifier_systems_name_key" ON "identifier_systems" USING btree ("name");--> statement-breakpoint
ALTER TABLE "identifier_systems" ADD CONSTRAINT "identifier_systems_created_by_fkey" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "patient_identifiers" ADD CONSTRAINT "patient_identifiers_patient_id_fkey" FOREIGN KEY ("patient_id") REFERENCES "public"."patients"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "patient_identifiers" ADD CONSTRAINT "patient_identifiers_system_fkey" FOREIGN KEY ("system") REFERENCES "public"."identifier_systems"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "patient_identifiers_owner_id_key_system_key" ON "patient_identifiers" USING btree ("owner_id","key","system");--> statement-breakpoint
CREATE INDEX "patient_identifiers_key_idx" ON "patient_identifiers" USING btree ("key");--> statement-breakpoint
CREATE INDEX "patient_identifiers_system_idx" ON "patient_identifiers" USING btree ("system");--> statement-breakpoint
ALTER TABLE "patients" ADD CONSTRAINT "patients_identifiers_check" CHECK (jsonb_typeof("patients"."identifiers") = 'array' AND jsonb_array_length("patients"."identifiers") <= 10);--> statement-breakpoint
ALTER TABLE "patients" ADD CONSTRAINT "patients_contact_check" CHECK ("patients"."email" IS NOT NULL OR "patients"."phones" <> '{}' OR "patients"."identifiers" <> '[]' OR "patients"."anonymous");--> statement-breakpoint
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
END $$;--> statement-breakpoint
-- Keeps `patient_identifiers` when the identifiers or the owner of a patient change. A conflict with another patient of the
-- owner violates the unique index. The Worker's role only reads the table.
CREATE FUNCTION "set_patient_identifiers"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF TG_OP = 'UPDATE' THEN
		IF NEW.identifiers = OLD.identifiers THEN
			UPDATE public.patient_identifiers SET owner_id = NEW.owner_id WHERE patient_id = NEW.id;
			RETURN NULL;
		END IF;
		DELETE FROM public.patient_identifiers WHERE patient_id = NEW.id;
	END IF;
	INSERT INTO public.patient_identifiers (patient_id, owner_id, system, key)
		SELECT NEW.id, NEW.owner_id, item ->> 'system', public.identifier_key(item ->> 'value')
		FROM jsonb_array_elements(NEW.identifiers) item;
	RETURN NULL;
END $$;--> statement-breakpoint
REVOKE ALL ON FUNCTION "set_patient_identifiers"() FROM PUBLIC;--> statement-breakpoint
CREATE TRIGGER "patients_set_identifiers" AFTER INSERT ON "patients" FOR EACH ROW
WHEN (NEW."identifiers" <> '[]') EXECUTE FUNCTION "set_patient_identifiers"();--> statement-breakpoint
CREATE TRIGGER "patients_change_identifiers" AFTER UPDATE OF "identifiers", "owner_id" ON "patients" FOR EACH ROW
WHEN ((OLD."identifiers" <> '[]' OR NEW."identifiers" <> '[]')
	AND (OLD."identifiers" <> NEW."identifiers" OR OLD."owner_id" IS DISTINCT FROM NEW."owner_id"))
EXECUTE FUNCTION "set_patient_identifiers"();--> statement-breakpoint
-- Which of the identifiers, an array of {system, value}, patients of an account have. It waits for concurrent POSTs with
-- one of them and for imports, and sees what they have created.
CREATE FUNCTION "patient_identifiers_taken"(owner integer, identifiers jsonb) RETURNS TABLE (system text, patient integer)
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	wanted record;
BEGIN
	IF identifiers = '[]' THEN RETURN; END IF;
	PERFORM pg_advisory_xact_lock_shared(hashtextextended('patients ' || owner, 0));
	-- All requests take the locks in the same order, so that no two wait for each other.
	FOR wanted IN SELECT DISTINCT item ->> 'system' AS system, public.identifier_key(item ->> 'value') AS key
		FROM jsonb_array_elements(identifiers) item ORDER BY 1, 2
	LOOP
		PERFORM pg_advisory_xact_lock(hashtextextended('identifier ' || owner || ' ' || wanted.system || ' ' || wanted.key, 0));
	END LOOP;
	RETURN QUERY SELECT i.system::text, i.patient_id
		FROM jsonb_array_elements(identifiers) WITH ORDINALITY a (item, place)
		JOIN public.patient_identifiers i ON i.owner_id = owner AND i.system = (item ->> 'system') COLLATE "C"
			AND i.key = public.identifier_key(item ->> 'value') COLLATE "C"
		ORDER BY place;
END $$;--> statement-breakpoint
-- The same for an import: one lock for all of them.
CREATE FUNCTION "patients_identifiers_taken"(owner integer, keys text[]) RETURNS TABLE (system text, key text)
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF keys = '{}' THEN RETURN; END IF;
	PERFORM pg_advisory_xact_lock(hashtextextended('patients ' || owner, 0));
	RETURN QUERY SELECT i.system::text, i.key::text FROM public.patient_identifiers i WHERE i.owner_id = owner AND i.key = ANY (keys COLLATE "C");
END $$;--> statement-breakpoint
-- Identifiers as the audit log has them: of a value the last three characters, and none of one with six or fewer.
CREATE FUNCTION "mask_identifiers"(identifiers jsonb) RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT coalesce(json_agg(json_build_object('system', item ->> 'system', 'value', CASE
		-- One character can stand for four in the form that is compared: U+337F.
		WHEN least(char_length(identifier_key(item ->> 'value')), char_length(item ->> 'value')) <= 6 THEN repeat('*', char_length(item ->> 'value'))
		ELSE repeat('*', char_length(item ->> 'value') - 3) || right(item ->> 'value', 3) END) ORDER BY place), '[]')
	FROM jsonb_array_elements(identifiers) WITH ORDINALITY a (item, place));--> statement-breakpoint
-- As drizzle/0025_erase_patient.sql has it, with the identifiers.
CREATE OR REPLACE FUNCTION "erase_patient"(erased_id integer, max_events integer) RETURNS json LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	erased public.patients;
	audit_changes integer;
	assignments integer := 0;
	identifiers integer := 0;
	emergency_accesses integer := 0;
	stored_responses integer := 0;
	patients integer := 0;
	has_more boolean;
BEGIN
	SELECT p.* INTO erased FROM public.patients p WHERE p.id = erased_id AND p.deleted_at IS NOT NULL FOR UPDATE;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	audit_changes := public.erase_audit_values(erased_id, max_events);
	has_more := coalesce(audit_changes >= max_events, false);
	IF NOT has_more THEN
		DELETE FROM public.mappings m WHERE m.patient_id = erased_id;
		GET DIAGNOSTICS assignments = ROW_COUNT;
		DELETE FROM public.patient_identifiers i WHERE i.patient_id = erased_id;
		GET DIAGNOSTICS identifiers = ROW_COUNT;
		DELETE FROM public.emergency_accesses ea WHERE ea.patient_id = erased_id;
		GET DIAGNOSTICS emergency_accesses = ROW_COUNT;
		-- Without its response the key stays: the request, sent again, must not create the patient again. It was stored in the
		-- transaction that created the patient, so its index on the time finds it. Only a patient's response has an age.
		UPDATE public.idempotency_keys k SET answer = '{}'
		WHERE k.created_at = erased.created_at AND k.account_id = erased.created_by AND k.record_id = erased_id
			AND k.answer::json -> 'age' IS NOT NULL;
		GET DIAGNOSTICS stored_responses = ROW_COUNT;
		DELETE FROM public.patients p WHERE p.id = erased_id;
		GET DIAGNOSTICS patients = ROW_COUNT;
	END IF;
	RETURN (
		SELECT row_to_json(o) FROM (
			SELECT (
				SELECT row_to_json(r) FROM (
					SELECT patients, assignments, identifiers, emergency_accesses, stored_responses, audit_changes
				) r
			) AS removed, has_more AS more
		) o);
END $$;
