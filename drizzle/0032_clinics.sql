CREATE TABLE "clinics" (
	"id" integer PRIMARY KEY DEFAULT nextval('users_id_seq') NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"time_zone" text DEFAULT '' NOT NULL,
	"active" boolean DEFAULT true NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "clinics_id_time_zone_active_key" UNIQUE("id","time_zone","active"),
	CONSTRAINT "clinics_name_check" CHECK (char_length("clinics"."name") BETWEEN 1 AND 150),
	CONSTRAINT "clinics_kind_check" CHECK ("clinics"."kind" IN ('personal', 'shared')),
	CONSTRAINT "clinics_time_zone_check" CHECK (char_length("clinics"."time_zone") <= 64)
);
--> statement-breakpoint
CREATE TABLE "memberships" (
	"clinic_id" integer NOT NULL,
	"account_id" integer NOT NULL,
	"role" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (3) with time zone,
	"last_used_at" timestamp (3) with time zone,
	"is_interim" boolean DEFAULT false NOT NULL,
	"time_zone" text NOT NULL,
	"clinic_active" boolean NOT NULL,
	CONSTRAINT "memberships_pkey" PRIMARY KEY("clinic_id","account_id"),
	CONSTRAINT "memberships_role_check" CHECK ("memberships"."role" IN ('reader', 'clerk', 'clinician', 'manager'))
);
--> statement-breakpoint
ALTER TABLE "idempotency_keys" DROP CONSTRAINT "idempotency_keys_key_check";--> statement-breakpoint
ALTER TABLE "patients" DROP CONSTRAINT "patients_owner_id_fkey";
--> statement-breakpoint
ALTER TABLE "patients" DROP CONSTRAINT "patients_deleted_from_fkey";
--> statement-breakpoint
ALTER TABLE "invitations" ADD COLUMN "clinic_id" integer;--> statement-breakpoint
ALTER TABLE "invitations" ADD COLUMN "clinic_role" text;--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "clinic_id" integer;--> statement-breakpoint
ALTER TABLE "audit_events" ADD COLUMN "clinic_id" integer;--> statement-breakpoint
-- Each account has a personal clinic with its id, and is the only member. So the owners of patients stay the same numbers.
INSERT INTO "clinics" (id, name, kind, created_at, updated_at) SELECT id, username, 'personal', created_at, created_at FROM "users";--> statement-breakpoint
INSERT INTO "memberships" (clinic_id, account_id, role, created_at, time_zone, clinic_active)
SELECT id, id, 'manager', created_at, '', true FROM "users";--> statement-breakpoint
UPDATE "sessions" SET "clinic_id" = "user_id";--> statement-breakpoint
ALTER TABLE "sessions" ALTER COLUMN "clinic_id" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_clinic_fkey" FOREIGN KEY ("clinic_id","time_zone","clinic_active") REFERENCES "public"."clinics"("id","time_zone","active") ON DELETE cascade ON UPDATE cascade;--> statement-breakpoint
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "memberships_account_id_idx" ON "memberships" USING btree ("account_id","clinic_id");--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_clinic_id_fkey" FOREIGN KEY ("clinic_id") REFERENCES "public"."clinics"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_membership_fkey" FOREIGN KEY ("clinic_id","user_id") REFERENCES "public"."memberships"("clinic_id","account_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "patients" ADD CONSTRAINT "patients_owner_id_fkey" FOREIGN KEY ("owner_id") REFERENCES "public"."clinics"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "patients" ADD CONSTRAINT "patients_deleted_from_fkey" FOREIGN KEY ("deleted_from") REFERENCES "public"."clinics"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_clinic_role_check" CHECK ("invitations"."clinic_role" IN ('reader', 'clerk', 'clinician', 'manager'));--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_clinic_check" CHECK (num_nulls("invitations"."clinic_id", "invitations"."clinic_role") IN (0, 2));--> statement-breakpoint
ALTER TABLE "idempotency_keys" ADD CONSTRAINT "idempotency_keys_key_check" CHECK ("idempotency_keys"."key" ~ '^([0-9]+ )?[!-~]{1,255}$');--> statement-breakpoint
-- A trigger, so that each way to create an account does it. With the rights of the tables' owner: the Worker's role creates
-- no personal clinics.
CREATE FUNCTION "users_personal_clinic"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO public.clinics (id, name, kind) VALUES (NEW.id, NEW.username, 'personal');
	INSERT INTO public.memberships (clinic_id, account_id, role, time_zone, clinic_active) VALUES (NEW.id, NEW.id, 'manager', '', true);
	RETURN NULL;
END $$;--> statement-breakpoint
REVOKE ALL ON FUNCTION "users_personal_clinic"() FROM PUBLIC;--> statement-breakpoint
CREATE TRIGGER "users_personal_clinic" AFTER INSERT ON "users" FOR EACH ROW EXECUTE FUNCTION "users_personal_clinic"();--> statement-breakpoint
-- Version 1.1 inserts sessions without a clinic, while it is replaced.
CREATE FUNCTION "sessions_personal_clinic"() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	NEW.clinic_id := NEW.user_id;
	RETURN NEW;
END $$;--> statement-breakpoint
CREATE TRIGGER "sessions_personal_clinic" BEFORE INSERT ON "sessions" FOR EACH ROW
WHEN (NEW.clinic_id IS NULL) EXECUTE FUNCTION "sessions_personal_clinic"();--> statement-breakpoint
-- A shared clinic always has an active manager. One such change of a clinic after the other: the check has a snapshot of its
-- own after the wait for the lock. The lock is taken last, so that no deadlock is possible with the locks of rows.
CREATE FUNCTION "keep_manager"(clinic integer) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(7205885, clinic);
	IF EXISTS (SELECT FROM public.clinics WHERE id = clinic AND kind = 'shared') AND NOT EXISTS (
		SELECT FROM public.memberships m JOIN public.users u ON u.id = m.account_id
		WHERE m.clinic_id = clinic AND m.role = 'manager' AND m.ended_at IS NULL AND u.active AND u.role <> 'auditor')
	THEN
		RAISE EXCEPTION 'This is the last active manager of the clinic %.', clinic
			USING ERRCODE = 'integrity_constraint_violation', TABLE = 'memberships', CONSTRAINT = 'memberships_last_manager';
	END IF;
END $$;--> statement-breakpoint
CREATE FUNCTION "memberships_last_manager"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM public.keep_manager(NEW.clinic_id);
	RETURN NULL;
END $$;--> statement-breakpoint
CREATE FUNCTION "users_last_manager"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM public.keep_manager(m.clinic_id) FROM (
		SELECT clinic_id FROM public.memberships
		WHERE account_id = NEW.id AND role = 'manager' AND ended_at IS NULL ORDER BY clinic_id) m;
	RETURN NULL;
END $$;--> statement-breakpoint
-- Only the triggers call it, with the rights of the tables' owner.
REVOKE ALL ON FUNCTION "keep_manager"(integer), "memberships_last_manager"(), "users_last_manager"() FROM PUBLIC;--> statement-breakpoint
CREATE TRIGGER "memberships_last_manager" AFTER UPDATE OF "role", "ended_at" ON "memberships" FOR EACH ROW
WHEN (OLD."role" = 'manager' AND OLD."ended_at" IS NULL AND NOT (NEW."role" = 'manager' AND NEW."ended_at" IS NULL))
EXECUTE FUNCTION "memberships_last_manager"();--> statement-breakpoint
CREATE TRIGGER "users_last_manager" AFTER UPDATE OF "role", "active" ON "users" FOR EACH ROW
WHEN (OLD."active" AND OLD."role" <> 'auditor' AND NOT (NEW."active" AND NEW."role" <> 'auditor'))
EXECUTE FUNCTION "users_last_manager"();
