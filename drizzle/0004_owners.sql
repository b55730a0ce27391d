CREATE TABLE "emergency_accesses" (
	"account_id" integer NOT NULL,
	"patient_id" integer NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "emergency_accesses_pkey" PRIMARY KEY("account_id","patient_id")
);
--> statement-breakpoint
ALTER TABLE "mappings" DROP CONSTRAINT "mappings_patient_fkey";
--> statement-breakpoint
ALTER TABLE "mappings" DROP CONSTRAINT "mappings_doctor_fkey";
--> statement-breakpoint
ALTER TABLE "patients" DROP CONSTRAINT "patients_created_by_id_key";--> statement-breakpoint
DROP INDEX "mappings_doctor_id_owner_id_id_idx";--> statement-breakpoint
DROP INDEX "mappings_doctor_id_owner_id_patient_id_idx";--> statement-breakpoint
DROP INDEX "patients_created_by_email_key";--> statement-breakpoint
DROP INDEX "patients_created_by_last_first_id_idx";--> statement-breakpoint
DROP INDEX "patients_created_by_created_at_id_idx";--> statement-breakpoint
ALTER TABLE "mappings" ALTER COLUMN "owner_id" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "doctors" ADD COLUMN "active" boolean DEFAULT true NOT NULL;--> statement-breakpoint
ALTER TABLE "mappings" ADD COLUMN "current_doctor_id" integer GENERATED ALWAYS AS (CASE WHEN owner_id IS NOT NULL THEN doctor_id END) STORED;--> statement-breakpoint
ALTER TABLE "patients" ADD COLUMN "owner_id" integer;--> statement-breakpoint
ALTER TABLE "patients" ADD COLUMN "deleted_from" integer;--> statement-breakpoint
ALTER TABLE "patients" ADD COLUMN "deleted_at" timestamp (3) with time zone;--> statement-breakpoint
-- Whose a patient is was who had created it. The indexes that this would have to keep are made afterwards.
UPDATE "patients" SET "owner_id" = "created_by";--> statement-breakpoint
ALTER TABLE "patients" ADD CONSTRAINT "patients_owner_id_id_key" UNIQUE("owner_id","id");--> statement-breakpoint
ALTER TABLE "emergency_accesses" ADD CONSTRAINT "emergency_accesses_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "emergency_accesses" ADD CONSTRAINT "emergency_accesses_patient_id_fkey" FOREIGN KEY ("patient_id") REFERENCES "public"."patients"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "emergency_accesses_patient_id_idx" ON "emergency_accesses" USING btree ("patient_id");--> statement-breakpoint
CREATE INDEX "emergency_accesses_expires_at_idx" ON "emergency_accesses" USING btree ("expires_at");--> statement-breakpoint
ALTER TABLE "mappings" ADD CONSTRAINT "mappings_patient_id_fkey" FOREIGN KEY ("patient_id") REFERENCES "public"."patients"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mappings" ADD CONSTRAINT "mappings_patient_fkey" FOREIGN KEY ("owner_id","patient_id") REFERENCES "public"."patients"("owner_id","id") ON DELETE no action ON UPDATE cascade;--> statement-breakpoint
ALTER TABLE "mappings" ADD CONSTRAINT "mappings_doctor_fkey" FOREIGN KEY ("current_doctor_id") REFERENCES "public"."doctors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "patients" ADD CONSTRAINT "patients_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "patients" ADD CONSTRAINT "patients_deleted_from_fkey" FOREIGN KEY ("deleted_from") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "mappings_doctor_owner_id_id_idx" ON "mappings" USING btree ("current_doctor_id","owner_id","id");--> statement-breakpoint
CREATE INDEX "mappings_doctor_owner_id_patient_id_idx" ON "mappings" USING btree (("current_doctor_id"::bigint),"owner_id","patient_id");--> statement-breakpoint
CREATE INDEX "mappings_doctor_id_idx" ON "mappings" USING btree ((-"current_doctor_id"),"id");--> statement-breakpoint
CREATE INDEX "mappings_doctor_assigned_at_id_idx" ON "mappings" USING btree ((-("current_doctor_id"::bigint)),"assigned_at","id");--> statement-breakpoint
CREATE UNIQUE INDEX "patients_owner_id_email_key" ON "patients" USING btree (lower("email" COLLATE "C"),"owner_id");--> statement-breakpoint
CREATE INDEX "patients_owner_id_last_first_id_idx" ON "patients" USING btree (("owner_id"::bigint),"last_first","id");--> statement-breakpoint
CREATE INDEX "patients_owner_id_created_at_id_idx" ON "patients" USING btree ((-"owner_id"),"created_at","id");--> statement-breakpoint
CREATE INDEX "patients_deleted_from_id_idx" ON "patients" USING btree ("deleted_from","id") WHERE "patients"."deleted_at" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "patients_deleted_from_last_first_id_idx" ON "patients" USING btree (("deleted_from"::bigint),"last_first","id") WHERE "patients"."deleted_at" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "patients_deleted_from_created_at_id_idx" ON "patients" USING btree ((-"deleted_from"),"created_at","id") WHERE "patients"."deleted_at" IS NOT NULL;--> statement-breakpoint
CREATE INDEX "patients_deleted_at_idx" ON "patients" USING btree ("deleted_at") WHERE "patients"."deleted_at" IS NOT NULL;--> statement-breakpoint
ALTER TABLE "patients" ADD CONSTRAINT "patients_deleted_at_check" CHECK (num_nulls("patients"."deleted_at", "patients"."deleted_from") IN (0, 2) AND num_nulls("patients"."owner_id", "patients"."deleted_at") = 1);--> statement-breakpoint
-- The foreign key takes a patient's assignments along when it changes its owner, and lets them go when it has none any more;
-- this brings them back with it, those too that were made while the statement waited that does it.
CREATE FUNCTION "assignments_come_back"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE public.mappings SET owner_id = NEW.owner_id WHERE patient_id = NEW.id;
	RETURN NULL;
END $$;--> statement-breakpoint
REVOKE ALL ON FUNCTION "assignments_come_back"() FROM PUBLIC;--> statement-breakpoint
CREATE TRIGGER "patients_restored" AFTER UPDATE OF "owner_id" ON "patients" FOR EACH ROW
WHEN (OLD.owner_id IS NULL AND NEW.owner_id IS NOT NULL) EXECUTE FUNCTION "assignments_come_back"();--> statement-breakpoint
-- The code of before knows no owner, and may run until the new one is deployed: to be dropped with the next release.
CREATE FUNCTION "patients_owned"() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	NEW.owner_id := NEW.created_by;
	RETURN NEW;
END $$;--> statement-breakpoint
CREATE TRIGGER "patients_owned" BEFORE INSERT ON "patients" FOR EACH ROW
WHEN (NEW.owner_id IS NULL AND NEW.deleted_from IS NULL) EXECUTE FUNCTION "patients_owned"();
