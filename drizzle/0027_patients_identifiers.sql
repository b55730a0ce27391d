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
ALTER TABLE "patient_identifiers" ADD CONSTRAINT "patient_identifiers_patient_id_fkey" FOREIGN KEY ("patient_id") REFERENCES "public"."patients"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "patient_identifiers" ADD CONSTRAINT "patient_identifiers_system_fkey" FOREIGN KEY ("system") REFERENCES "public"."identifier_systems"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "patient_identifiers_owner_id_key_system_key" ON "patient_identifiers" USING btree ("owner_id","key","system");--> statement-breakpoint
CREATE INDEX "patient_identifiers_key_idx" ON "patient_identifiers" USING btree ("key");--> statement-breakpoint
CREATE INDEX "patient_identifiers_system_idx" ON "patient_identifiers" USING btree ("system");--> statement-breakpoint
ALTER TABLE "patients" ADD CONSTRAINT "patients_identifiers_check" CHECK (jsonb_typeof("patients"."identifiers") = 'array' AND jsonb_array_length("patients"."identifiers") <= 10);--> statement-breakpoint
ALTER TABLE "patients" ADD CONSTRAINT "patients_contact_check" CHECK ("patients"."email" IS NOT NULL OR "patients"."phones" <> '{}' OR "patients"."identifiers" <> '[]' OR "patients"."anonymous");--> statement-breakpoint
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
		WHEN char_length(identifier_key(item ->> 'value')) <= 6 THEN repeat('*', char_length(item ->> 'value'))
		ELSE repeat('*', char_length(item ->> 'value') - 3) || right(item ->> 'value', 3) END) ORDER BY place), '[]')
	FROM jsonb_array_elements(identifiers) WITH ORDINALITY a (item, place));
