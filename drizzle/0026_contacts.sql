-- The phone numbers of a patient for the index, with its owner, or the account that it was deleted from, before each, as
-- `patient_name_tokens` has it.
CREATE FUNCTION "patient_phones"(owner_id integer, deleted_from integer, phones text[]) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	scope text := coalesce(owner_id::text, 'd' || deleted_from) || ':';
	scoped text[] := '{}';
	phone text;
BEGIN
	FOREACH phone IN ARRAY phones LOOP
		scoped := scoped || (scope || phone);
	END LOOP;
	RETURN scoped;
END $$;
--> statement-breakpoint
DROP INDEX "doctors_email_key";
--> statement-breakpoint
DROP INDEX "patients_owner_id_email_key";
--> statement-breakpoint
-- One statement for each table: it is read once.
ALTER TABLE "doctors"
	DROP CONSTRAINT "doctors_firstname_check",
	DROP CONSTRAINT "doctors_lastname_check",
	ALTER COLUMN "email" DROP NOT NULL,
	ADD COLUMN "email_shared" boolean DEFAULT false NOT NULL,
	ADD COLUMN "phones" text[] DEFAULT '{}' NOT NULL,
	ADD CONSTRAINT "doctors_name_check" CHECK ("doctors"."firstname" <> '' OR "doctors"."lastname" <> ''),
	ADD CONSTRAINT "doctors_phones_check" CHECK ("doctors"."phones" = '{}' OR array_to_string("doctors"."phones", ',', 'NULL') ~ '^\+[1-9]\d{6,14}(,\+[1-9]\d{6,14}){0,4}$'),
	ADD CONSTRAINT "doctors_firstname_check" CHECK (char_length("doctors"."firstname") <= 100 AND ("doctors"."firstname" = '' OR "doctors"."firstname" COLLATE "C" ~ '\S')),
	ADD CONSTRAINT "doctors_lastname_check" CHECK (char_length("doctors"."lastname") <= 100 AND ("doctors"."lastname" = '' OR "doctors"."lastname" COLLATE "C" ~ '\S'));
--> statement-breakpoint
ALTER TABLE "patients"
	DROP CONSTRAINT "patients_firstname_check",
	DROP CONSTRAINT "patients_lastname_check",
	ALTER COLUMN "email" DROP NOT NULL,
	ADD COLUMN "email_shared" boolean DEFAULT false NOT NULL,
	ADD COLUMN "phones" text[] DEFAULT '{}' NOT NULL,
	ADD COLUMN "anonymous" boolean DEFAULT false NOT NULL,
	ADD COLUMN "address" jsonb,
	ADD CONSTRAINT "patients_name_check" CHECK ("patients"."firstname" <> '' OR "patients"."lastname" <> ''),
	ADD CONSTRAINT "patients_phones_check" CHECK ("patients"."phones" = '{}' OR array_to_string("patients"."phones", ',', 'NULL') ~ '^\+[1-9]\d{6,14}(,\+[1-9]\d{6,14}){0,4}$'),
	ADD CONSTRAINT "patients_address_check" CHECK (jsonb_typeof("patients"."address") = 'object'),
	ADD CONSTRAINT "patients_contact_check" CHECK ("patients"."email" IS NOT NULL OR "patients"."phones" <> '{}' OR "patients"."anonymous"),
	ADD CONSTRAINT "patients_firstname_check" CHECK (char_length("patients"."firstname") <= 100 AND ("patients"."firstname" = '' OR "patients"."firstname" COLLATE "C" ~ '\S')),
	ADD CONSTRAINT "patients_lastname_check" CHECK (char_length("patients"."lastname") <= 100 AND ("patients"."lastname" = '' OR "patients"."lastname" COLLATE "C" ~ '\S'));
--> statement-breakpoint
CREATE INDEX "patients_phones_idx" ON "patients" USING gin (patient_phones("owner_id", "deleted_from", "phones")) WITH (fastupdate=false) WHERE "patients"."phones" <> '{}';
--> statement-breakpoint
CREATE UNIQUE INDEX "doctors_email_key" ON "doctors" USING btree (email_key("email") COLLATE "C",(CASE WHEN "email_shared" THEN "id" ELSE 0 END));
--> statement-breakpoint
CREATE UNIQUE INDEX "patients_owner_id_email_key" ON "patients" USING btree (email_key("email") COLLATE "C","owner_id",(CASE WHEN "email_shared" THEN "id" ELSE 0 END));
--> statement-breakpoint
-- For version 1.1 and imports: an email that is shared is no duplicate. "address" would be the new column too.
CREATE OR REPLACE FUNCTION "patient_taken"(owner integer, address text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock_shared(hashtextextended('patients ' || owner, 0));
	PERFORM pg_advisory_xact_lock(hashtextextended('patient ' || owner || ' ' || public.email_key(address), 0));
	RETURN EXISTS (SELECT FROM public.patients
		WHERE public.email_key(email) COLLATE "C" = public.email_key($2) AND owner_id = owner AND NOT email_shared);
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION "patients_taken"(owner integer, addresses text[]) RETURNS SETOF text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('patients ' || owner, 0));
	RETURN QUERY SELECT public.email_key(email) FROM public.patients
		WHERE public.email_key(email) COLLATE "C" = ANY (addresses) AND owner_id = owner AND NOT email_shared;
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION "doctor_taken"(address text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('doctor ' || public.email_key(address), 0));
	RETURN EXISTS (SELECT FROM public.doctors
		WHERE public.email_key(email) COLLATE "C" = public.email_key(address) AND NOT email_shared);
END $$;
--> statement-breakpoint
-- The same for the current version: the id of the patient with which a new one would share an email that neither shares.
CREATE FUNCTION "patient_with_email"(owner integer, sent_email text, shared boolean) RETURNS SETOF integer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF sent_email IS NULL OR shared THEN RETURN; END IF;
	PERFORM pg_advisory_xact_lock_shared(hashtextextended('patients ' || owner, 0));
	PERFORM pg_advisory_xact_lock(hashtextextended('patient ' || owner || ' ' || public.email_key(sent_email), 0));
	RETURN QUERY SELECT id FROM public.patients
		WHERE public.email_key(email) COLLATE "C" = public.email_key(sent_email) AND owner_id = owner AND NOT email_shared;
END $$;
--> statement-breakpoint
CREATE FUNCTION "doctor_with_email"(sent_email text, shared boolean) RETURNS SETOF integer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF sent_email IS NULL OR shared THEN RETURN; END IF;
	PERFORM pg_advisory_xact_lock(hashtextextended('doctor ' || public.email_key(sent_email), 0));
	RETURN QUERY SELECT id FROM public.doctors
		WHERE public.email_key(email) COLLATE "C" = public.email_key(sent_email) AND NOT email_shared;
END $$;
--> statement-breakpoint
-- A person without a last name is sorted by the first name, among the last names of others.
CREATE OR REPLACE FUNCTION "name_sort_key"(firstname text, lastname text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	last_key text := left(array_to_string(public.name_words(lastname), ''), 200);
	first_key text := left(array_to_string(public.name_words(firstname), ''), 200);
BEGIN
	RETURN CASE WHEN last_key = '' THEN first_key || ' ' ELSE last_key || ' ' || first_key END;
END $$;
--> statement-breakpoint
-- Those whose last name has nothing that is compared: a hyphen, a full stop.
UPDATE "doctors" SET "name_sort_key" = name_sort_key(firstname, lastname) WHERE "name_sort_key" LIKE ' %';
--> statement-breakpoint
UPDATE "patients" SET "name_sort_key" = name_sort_key(firstname, lastname) WHERE "name_sort_key" LIKE ' %';
