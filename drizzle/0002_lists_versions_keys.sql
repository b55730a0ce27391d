CREATE TABLE "idempotency_keys" (
	"account_id" integer NOT NULL,
	"key" text COLLATE "C" NOT NULL,
	"fingerprint" text NOT NULL,
	"record_id" integer,
	"answer" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY("account_id","key"),
	CONSTRAINT "idempotency_keys_key_check" CHECK ("idempotency_keys"."key" ~ '^[!-~]{1,255}$'),
	CONSTRAINT "idempotency_keys_fingerprint_check" CHECK ("idempotency_keys"."fingerprint" ~ '^[0-9a-f]{64}$')
);
--> statement-breakpoint
DROP INDEX "mappings_doctor_id_idx";--> statement-breakpoint
ALTER TABLE "doctors" ADD COLUMN "version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "doctors" ADD COLUMN "first_last" text COLLATE "C" GENERATED ALWAYS AS (lower(regexp_replace(replace(replace(replace(replace(translate(regexp_replace(normalize(lower(firstname || ' ' || lastname), NFKD), '[\u0300-\u036f]', '', 'g'), 'øłđðħŧıς', 'olddhtiσ'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), '\s+', ' ', 'g'))) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "doctors" ADD COLUMN "last_first" text COLLATE "C" GENERATED ALWAYS AS (lower(regexp_replace(replace(replace(replace(replace(translate(regexp_replace(normalize(lower(lastname || ' ' || firstname), NFKD), '[\u0300-\u036f]', '', 'g'), 'øłđðħŧıς', 'olddhtiσ'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), '\s+', ' ', 'g'))) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "patients" ADD COLUMN "version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "patients" ADD COLUMN "first_last" text COLLATE "C" GENERATED ALWAYS AS (lower(regexp_replace(replace(replace(replace(replace(translate(regexp_replace(normalize(lower(firstname || ' ' || lastname), NFKD), '[\u0300-\u036f]', '', 'g'), 'øłđðħŧıς', 'olddhtiσ'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), '\s+', ' ', 'g'))) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "patients" ADD COLUMN "last_first" text COLLATE "C" GENERATED ALWAYS AS (lower(regexp_replace(replace(replace(replace(replace(translate(regexp_replace(normalize(lower(lastname || ' ' || firstname), NFKD), '[\u0300-\u036f]', '', 'g'), 'øłđðħŧıς', 'olddhtiσ'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), '\s+', ' ', 'g'))) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "idempotency_keys" ADD CONSTRAINT "idempotency_keys_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "idempotency_keys_created_at_idx" ON "idempotency_keys" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "doctors_last_first_id_idx" ON "doctors" USING btree ("last_first","id");--> statement-breakpoint
CREATE INDEX "doctors_created_at_id_idx" ON "doctors" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "mappings_owner_id_assigned_at_id_idx" ON "mappings" USING btree ((-"owner_id"),"assigned_at","id");--> statement-breakpoint
CREATE INDEX "mappings_owner_id_patient_id_id_idx" ON "mappings" USING btree (("owner_id"::bigint),"patient_id","id");--> statement-breakpoint
CREATE INDEX "mappings_doctor_id_owner_id_id_idx" ON "mappings" USING btree ("doctor_id","owner_id","id");--> statement-breakpoint
CREATE INDEX "mappings_doctor_id_owner_id_patient_id_idx" ON "mappings" USING btree (("doctor_id"::bigint),"owner_id","patient_id");--> statement-breakpoint
CREATE INDEX "patients_created_by_last_first_id_idx" ON "patients" USING btree (("created_by"::bigint),"last_first","id");--> statement-breakpoint
CREATE INDEX "patients_created_by_created_at_id_idx" ON "patients" USING btree ((-"created_by"),"created_at","id");