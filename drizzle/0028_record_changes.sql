CREATE TABLE "change_feed" (
	"id" integer PRIMARY KEY DEFAULT 1 NOT NULL,
	"epoch" uuid DEFAULT gen_random_uuid() NOT NULL,
	"started_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "change_feed_id_check" CHECK ("change_feed"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "record_changes" (
	"audience" text COLLATE "C" NOT NULL,
	"audience_id" integer NOT NULL,
	"xact" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"kind" smallint NOT NULL,
	"record_id" integer NOT NULL,
	"version" integer NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "record_changes_audience_check" CHECK ("record_changes"."audience" IN ('account', 'doctor', 'everybody')),
	CONSTRAINT "record_changes_kind_check" CHECK ("record_changes"."kind" BETWEEN 1 AND 3)
);
--> statement-breakpoint
CREATE INDEX "record_changes_audience_idx" ON "record_changes" USING btree ("audience","audience_id","xact","kind","record_id");--> statement-breakpoint
CREATE INDEX "record_changes_patient_xact_idx" ON "record_changes" USING btree ("record_id","xact") WHERE "record_changes"."kind" = 1;--> statement-breakpoint
CREATE INDEX "record_changes_at_idx" ON "record_changes" USING btree ("at");--> statement-breakpoint
CREATE INDEX "doctors_updated_at_id_idx" ON "doctors" USING btree ("updated_at","id");--> statement-breakpoint
CREATE INDEX "patients_owner_id_updated_at_id_idx" ON "patients" USING btree ("owner_id","updated_at","id");--> statement-breakpoint
CREATE INDEX "patients_deleted_from_updated_at_id_idx" ON "patients" USING btree ("deleted_from","updated_at","id") WHERE "patients"."deleted_at" IS NOT NULL;
--> statement-breakpoint
INSERT INTO "change_feed" DEFAULT VALUES;--> statement-breakpoint
-- What a cursor of the feed is valid for. It changes when a backup is restored: into another cluster (its identifier), by
-- recovery to a point in time (its timeline), into another database, or over the tables of this one (their ids). An operator
-- changes the epoch where none of them does (npm run db:migrate -- --restored). A host may revoke the function for the
-- identifier.
CREATE FUNCTION "change_feed_epoch"() RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	cluster bigint := 0;
BEGIN
	IF has_function_privilege('pg_control_system()', 'EXECUTE') THEN
		cluster := (SELECT system_identifier FROM pg_control_system());
	END IF;
	RETURN (SELECT concat_ws(' ', cluster, left(pg_walfile_name(pg_current_wal_lsn()), 8), d.oid, 'public.record_changes'::regclass::oid, f.epoch)
		FROM pg_database d, public.change_feed f WHERE d.datname = current_database() AND f.id = 1);
END $$;--> statement-breakpoint
-- Kinds: 1 patient, 2 doctor, 3 assignment (recordKinds in src/db/schema/record-changes.ts). The functions run with the
-- rights of the tables' owner: the Worker's role may not write the changes.
CREATE FUNCTION "patients_record_change"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NEW.owner_id IS NOT NULL THEN
		INSERT INTO public.record_changes (audience, audience_id, kind, record_id, version)
		VALUES ('account', NEW.owner_id, 1, NEW.id, NEW.version);
	END IF;
	-- It leaves this account: deleted, transferred or merged.
	IF OLD.owner_id IS NOT NULL AND OLD.owner_id IS DISTINCT FROM NEW.owner_id THEN
		INSERT INTO public.record_changes (audience, audience_id, kind, record_id, version)
		VALUES ('account', OLD.owner_id, 1, OLD.id, coalesce(NEW.version, OLD.version));
	END IF;
	RETURN NULL;
END $$;--> statement-breakpoint
CREATE FUNCTION "doctors_record_change"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO public.record_changes (audience, audience_id, kind, record_id, version)
	VALUES ('everybody', 0, 2, coalesce(NEW.id, OLD.id), coalesce(NEW.version, OLD.version));
	RETURN NULL;
END $$;--> statement-breakpoint
-- An assignment comes to the owner of its patient and to the doctor's own account, or leaves them; to the latter with the
-- patient. The foreign key changes owner_id when the patient is deleted, transferred or restored.
CREATE FUNCTION "mappings_record_change"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO public.record_changes (audience, audience_id, kind, record_id, version)
	SELECT DISTINCT c.audience, c.audience_id, c.kind, c.record_id, c.version
	FROM (VALUES (OLD.id, OLD.patient_id, OLD.owner_id, OLD.doctor_id), (NEW.id, NEW.patient_id, NEW.owner_id, NEW.doctor_id))
		m (id, patient_id, owner_id, doctor_id),
		LATERAL (VALUES ('account', m.owner_id, 3, m.id, 1), ('doctor', m.doctor_id, 3, m.id, 1),
			('doctor', m.doctor_id, 1, m.patient_id, coalesce((SELECT version FROM public.patients WHERE id = m.patient_id), 1)))
		c (audience, audience_id, kind, record_id, version)
	WHERE m.owner_id IS NOT NULL;
	RETURN NULL;
END $$;--> statement-breakpoint
REVOKE ALL ON FUNCTION "patients_record_change"(), "doctors_record_change"(), "mappings_record_change"() FROM PUBLIC;--> statement-breakpoint
CREATE TRIGGER "patients_record_change" AFTER INSERT OR UPDATE OR DELETE ON "patients" FOR EACH ROW EXECUTE FUNCTION patients_record_change();--> statement-breakpoint
CREATE TRIGGER "doctors_record_change" AFTER INSERT OR UPDATE OR DELETE ON "doctors" FOR EACH ROW EXECUTE FUNCTION doctors_record_change();--> statement-breakpoint
CREATE TRIGGER "mappings_record_change" AFTER INSERT OR UPDATE OR DELETE ON "mappings" FOR EACH ROW EXECUTE FUNCTION mappings_record_change();
