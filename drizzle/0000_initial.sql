CREATE TABLE "doctors" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "doctors_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"firstname" text NOT NULL,
	"lastname" text NOT NULL,
	"email" text NOT NULL,
	"gender" text NOT NULL,
	"specialization" text NOT NULL,
	"max_appointments_per_day" integer DEFAULT 10 NOT NULL,
	"created_by" integer NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "doctors_firstname_check" CHECK (char_length("doctors"."firstname") <= 64 AND "doctors"."firstname" COLLATE "C" ~ '\S'),
	CONSTRAINT "doctors_lastname_check" CHECK (char_length("doctors"."lastname") <= 64 AND "doctors"."lastname" COLLATE "C" ~ '\S'),
	CONSTRAINT "doctors_email_check" CHECK (char_length("doctors"."email") <= 128 AND "doctors"."email" ~ '^[^@ ]+@[^@ ]+$'),
	CONSTRAINT "doctors_gender_check" CHECK ("doctors"."gender" IN ('M', 'F', 'O', 'U')),
	CONSTRAINT "doctors_specialization_check" CHECK ("doctors"."specialization" IN ('CARD', 'DERM', 'NEUR', 'ORTH', 'PED', 'GEN')),
	CONSTRAINT "doctors_max_appointments_per_day_check" CHECK ("doctors"."max_appointments_per_day" BETWEEN 0 AND 1000)
);
--> statement-breakpoint
CREATE TABLE "mappings" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "mappings_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"patient_id" integer NOT NULL,
	"owner_id" integer NOT NULL,
	"doctor_id" integer NOT NULL,
	"assigned_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "mappings_patient_id_doctor_id_key" UNIQUE("patient_id","doctor_id")
);
--> statement-breakpoint
CREATE TABLE "patients" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "patients_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"firstname" text NOT NULL,
	"lastname" text NOT NULL,
	"email" text NOT NULL,
	"age" smallint NOT NULL,
	"gender" text NOT NULL,
	"created_by" integer NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "patients_created_by_id_key" UNIQUE("created_by","id"),
	CONSTRAINT "patients_firstname_check" CHECK (char_length("patients"."firstname") <= 64 AND "patients"."firstname" COLLATE "C" ~ '\S'),
	CONSTRAINT "patients_lastname_check" CHECK (char_length("patients"."lastname") <= 64 AND "patients"."lastname" COLLATE "C" ~ '\S'),
	CONSTRAINT "patients_email_check" CHECK (char_length("patients"."email") <= 128 AND "patients"."email" ~ '^[^@ ]+@[^@ ]+$'),
	CONSTRAINT "patients_age_check" CHECK ("patients"."age" BETWEEN 0 AND 120),
	CONSTRAINT "patients_gender_check" CHECK ("patients"."gender" IN ('M', 'F', 'O', 'U'))
);
--> statement-breakpoint
CREATE TABLE "refresh_tokens" (
	"token_hash" text PRIMARY KEY NOT NULL,
	"session_id" uuid NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"spent_at" timestamp (3) with time zone,
	CONSTRAINT "refresh_tokens_token_hash_check" CHECK ("refresh_tokens"."token_hash" ~ '^[0-9a-f]{64}$')
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" integer NOT NULL,
	"token_version" integer NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "users_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"username" text NOT NULL,
	"email" text NOT NULL,
	"password_hash" text NOT NULL,
	"role" text DEFAULT 'clinician' NOT NULL,
	"active" boolean DEFAULT true NOT NULL,
	"token_version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "users_username_check" CHECK ("users"."username" ~ '^[A-Za-z0-9@.+_-]{1,150}$'),
	CONSTRAINT "users_email_check" CHECK (char_length("users"."email") <= 254 AND "users"."email" ~ '^[^@ ]+@[^@ ]+$'),
	CONSTRAINT "users_password_hash_check" CHECK (char_length("users"."password_hash") = 60),
	CONSTRAINT "users_role_check" CHECK ("users"."role" IN ('clinician', 'admin'))
);
--> statement-breakpoint
ALTER TABLE "doctors" ADD CONSTRAINT "doctors_created_by_fkey" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mappings" ADD CONSTRAINT "mappings_patient_fkey" FOREIGN KEY ("owner_id","patient_id") REFERENCES "public"."patients"("created_by","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mappings" ADD CONSTRAINT "mappings_doctor_fkey" FOREIGN KEY ("doctor_id") REFERENCES "public"."doctors"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "patients" ADD CONSTRAINT "patients_created_by_fkey" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "refresh_tokens" ADD CONSTRAINT "refresh_tokens_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "doctors_email_key" ON "doctors" USING btree (lower("email" COLLATE "C"));--> statement-breakpoint
CREATE INDEX "mappings_owner_id_id_idx" ON "mappings" USING btree ("owner_id","id");--> statement-breakpoint
CREATE INDEX "mappings_doctor_id_idx" ON "mappings" USING btree ("doctor_id");--> statement-breakpoint
CREATE UNIQUE INDEX "patients_created_by_email_key" ON "patients" USING btree ("created_by",lower("email" COLLATE "C"));--> statement-breakpoint
CREATE INDEX "refresh_tokens_session_id_idx" ON "refresh_tokens" USING btree ("session_id");--> statement-breakpoint
CREATE INDEX "sessions_user_id_expires_at_idx" ON "sessions" USING btree ("user_id","expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "users_username_key" ON "users" USING btree (lower("username" COLLATE "C"));