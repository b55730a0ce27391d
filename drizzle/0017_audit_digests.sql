CREATE TABLE "audit_digests" (
	"day" date PRIMARY KEY NOT NULL,
	"id" integer GENERATED ALWAYS AS (day - DATE '2000-01-01') STORED NOT NULL,
	"events" bigint NOT NULL,
	"first_id" bigint,
	"last_id" bigint,
	"sha256" text NOT NULL,
	"hmac" text NOT NULL,
	"closed_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "audit_digests_sha256_check" CHECK ("audit_digests"."sha256" ~ '^[0-9a-f]{64}$'),
	CONSTRAINT "audit_digests_hmac_check" CHECK ("audit_digests"."hmac" ~ '^[0-9a-f]{64}$')
);
--> statement-breakpoint
ALTER TABLE "audit_events" ADD COLUMN "changes_sha256" text;--> statement-breakpoint
CREATE INDEX "audit_digests_id_idx" ON "audit_digests" USING btree ("id");--> statement-breakpoint
-- A trigger, so that every INSERT has the hash, and nobody needs the right to write it. The condition keeps it from events without
-- changes, which most are. Partitions that are attached later get the trigger too.
CREATE FUNCTION "audit_events_hash_changes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.changes_sha256 := pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(NEW.changes::text, 'UTF8')), 'hex');
	RETURN NEW;
END $$;--> statement-breakpoint
CREATE TRIGGER "audit_events_hash_changes" BEFORE INSERT ON "audit_events" FOR EACH ROW WHEN (NEW."changes" IS NOT NULL)
EXECUTE FUNCTION "audit_events_hash_changes"();
