-- The key by which two emails are the same address: without differences in case, in any script. ICU's root locale
-- does not depend on the locale of the database. A capital sigma has two lower-case forms (ΓΙΩΡΓΟΣ, γιωργος), and some
-- letters have a composed form in lower case only, such as ΐ.
CREATE FUNCTION "email_key"(email text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN normalize(translate(lower(email COLLATE "und-x-icu"), 'ς', 'σ'), NFC);--> statement-breakpoint
-- The rule for email addresses, as src/email.ts has it in JavaScript, where the parts of the regular expression have names.
-- PostgreSQL takes four times as long if it also counts the characters of a label, so that stands apart.
CREATE FUNCTION "is_email"(address text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN octet_length(split_part(address, '@', 1)) <= 64
	AND octet_length(split_part(address, '@', 2)) <= 255
	AND split_part(address, '@', 2) COLLATE "C" !~ '[^.]{64}'
	AND address IS NFC NORMALIZED
	AND address COLLATE "C" ~ '^[^\u0000- "(),.:-<>@\u005b-\u005d\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u206f\u2800\u3000-\u3002\u3164\ud800-\uf8ff\ufb00-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]+(?:\.[^\u0000- "(),.:-<>@\u005b-\u005d\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u206f\u2800\u3000-\u3002\u3164\ud800-\uf8ff\ufb00-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]+)*@(?:[^\u0000-/:-@\u005b-\u0060{-~\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u206f\u2800\u3000-\u3002\u3164\ud800-\uf8ff\ufb00-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff](?:[^\u0000-,./:-@\u005b-\u0060{-~\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u206f\u2800\u3000-\u3002\u3164\ud800-\uf8ff\ufb00-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]*[^\u0000-/:-@\u005b-\u0060{-~\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u206f\u2800\u3000-\u3002\u3164\ud800-\uf8ff\ufb00-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff])?\.)+(?:[^\u0000-@\u005b-\u0060{-~\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u206f\u2800\u3000-\u3002\u3164\ud800-\uf8ff\ufb00-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]{2,}|[Xx][Nn]--[0-9A-Za-z-]*[0-9A-Za-z])$';--> statement-breakpoint
ALTER TABLE "doctors" DROP CONSTRAINT "doctors_email_check";--> statement-breakpoint
ALTER TABLE "invitations" DROP CONSTRAINT "invitations_email_check";--> statement-breakpoint
ALTER TABLE "patients" DROP CONSTRAINT "patients_email_check";--> statement-breakpoint
ALTER TABLE "users" DROP CONSTRAINT "users_email_check";--> statement-breakpoint
ALTER TABLE "doctors" ADD CONSTRAINT "doctors_email_check" CHECK (char_length("doctors"."email") <= 128 AND is_email("doctors"."email")) NOT VALID;--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_email_check" CHECK (char_length("invitations"."email") <= 254 AND is_email("invitations"."email")) NOT VALID;--> statement-breakpoint
ALTER TABLE "patients" ADD CONSTRAINT "patients_email_check" CHECK (char_length("patients"."email") <= 128 AND is_email("patients"."email")) NOT VALID;--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_email_check" CHECK (char_length("users"."email") <= 254 AND is_email("users"."email")) NOT VALID;--> statement-breakpoint
-- Earlier versions took addresses that cannot exist: a local part or a label that is too long, a label that ends with a
-- hyphen. Nobody but the operator can decide what they should be, so the migration names the rows, not the addresses.
DO $$
DECLARE
	refused text := '';
	c record;
	ids text;
BEGIN
	FOR c IN SELECT conrelid::regclass AS "table", pg_get_expr(conbin, conrelid) AS rule FROM pg_constraint
		WHERE conname IN ('doctors_email_check', 'invitations_email_check', 'patients_email_check', 'users_email_check')
			AND connamespace = 'public'::regnamespace
		ORDER BY conname
	LOOP
		EXECUTE format('SELECT string_agg(id::text, '', '' ORDER BY id) FROM (SELECT id FROM %s WHERE NOT (%s) ORDER BY id LIMIT 20) r',
			c."table", c.rule) INTO ids;
		IF ids IS NOT NULL THEN
			refused := refused || format('; %s with the ids %s', c."table", ids);
		END IF;
	END LOOP;
	IF refused <> '' THEN
		RAISE EXCEPTION 'these rows have an email that is no valid address (of each table the first 20)%', refused;
	END IF;
END $$;--> statement-breakpoint
ALTER TABLE "doctors" VALIDATE CONSTRAINT "doctors_email_check";--> statement-breakpoint
ALTER TABLE "invitations" VALIDATE CONSTRAINT "invitations_email_check";--> statement-breakpoint
ALTER TABLE "patients" VALIDATE CONSTRAINT "patients_email_check";--> statement-breakpoint
ALTER TABLE "users" VALIDATE CONSTRAINT "users_email_check";--> statement-breakpoint
DROP INDEX "doctors_email_key";--> statement-breakpoint
DROP INDEX "patients_owner_id_email_key";--> statement-breakpoint
CREATE UNIQUE INDEX "doctors_email_key" ON "doctors" USING btree (email_key("email") COLLATE "C");--> statement-breakpoint
CREATE UNIQUE INDEX "patients_owner_id_email_key" ON "patients" USING btree (email_key("email") COLLATE "C","owner_id");--> statement-breakpoint
CREATE OR REPLACE FUNCTION "patient_taken"(owner integer, address text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock_shared(hashtextextended('patients ' || owner, 0));
	PERFORM pg_advisory_xact_lock(hashtextextended('patient ' || owner || ' ' || public.email_key(address), 0));
	RETURN EXISTS (SELECT FROM public.patients
		WHERE public.email_key(email) COLLATE "C" = public.email_key(address) AND owner_id = owner);
END $$;--> statement-breakpoint
CREATE OR REPLACE FUNCTION "patients_taken"(owner integer, addresses text[]) RETURNS SETOF text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('patients ' || owner, 0));
	RETURN QUERY SELECT public.email_key(email) FROM public.patients
		WHERE public.email_key(email) COLLATE "C" = ANY (addresses) AND owner_id = owner;
END $$;--> statement-breakpoint
CREATE OR REPLACE FUNCTION "doctor_taken"(address text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('doctor ' || public.email_key(address), 0));
	RETURN EXISTS (SELECT FROM public.doctors WHERE public.email_key(email) COLLATE "C" = public.email_key(address));
END $$;
