ALTER TABLE "audit_events" ADD COLUMN "changes_sha256" text;--> statement-breakpoint
-- A trigger, so that every INSERT has the hash, and nobody needs the right to write it. The condition keeps it from events without
-- changes, which most are. Partitions that are attached later get the trigger too.
CREATE FUNCTION "audit_events_hash_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.changes_sha256 := pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(NEW.changes::text, 'UTF8')), 'hex');
	RETURN NEW;
END $$;--> statement-breakpoint
CREATE TRIGGER "audit_events_hash_changes" BEFORE INSERT ON "audit_events" FOR EACH ROW WHEN (NEW."changes" IS NOT NULL)
EXECUTE FUNCTION "audit_events_hash_changes"();
