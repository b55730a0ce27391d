CREATE TABLE "invitations" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "invitations_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"email" text NOT NULL,
	"role" text NOT NULL,
	"code_hash" text NOT NULL,
	"created_by" integer NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "invitations_code_hash_key" UNIQUE("code_hash"),
	CONSTRAINT "invitations_email_check" CHECK (char_length("invitations"."email") <= 254 AND "invitations"."email" ~ '^[^@ ]+@[^@ ]+$'),
	CONSTRAINT "invitations_role_check" CHECK ("invitations"."role" IN ('clinician', 'admin')),
	CONSTRAINT "invitations_code_hash_check" CHECK ("invitations"."code_hash" ~ '^[0-9a-f]{64}$')
);
--> statement-breakpoint
CREATE TABLE "login_attempts" (
	"username" text COLLATE "C" NOT NULL,
	"network" text COLLATE "C" NOT NULL,
	"failures" integer NOT NULL,
	"failed_at" timestamp (3) with time zone NOT NULL,
	"blocked_until" timestamp (3) with time zone NOT NULL,
	"logged_in_at" timestamp (3) with time zone,
	CONSTRAINT "login_attempts_pkey" PRIMARY KEY("username","network"),
	CONSTRAINT "login_attempts_failures_check" CHECK ("login_attempts"."failures" >= 0)
);
--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "password_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "last_used_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "user_agent" text;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "password_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "password_trimmed" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "must_change_password" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "doctor_id" integer;--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_created_by_fkey" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "login_attempts_failed_at_idx" ON "login_attempts" USING btree ("failed_at");--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_doctor_id_fkey" FOREIGN KEY ("doctor_id") REFERENCES "public"."doctors"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "mappings_doctor_patient_id_idx" ON "mappings" USING btree (("current_doctor_id" + 0),"patient_id");--> statement-breakpoint
CREATE INDEX "users_doctor_id_idx" ON "users" USING btree ("doctor_id");--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_agent_check" CHECK (char_length("sessions"."user_agent") <= 256);--> statement-breakpoint
-- Passwords of before were hashed without the space around them.
UPDATE "users" SET "password_trimmed" = true;--> statement-breakpoint
-- Sessions that an account had when it was disabled do not come back with it.
UPDATE "users" SET "token_version" = "token_version" + 1 WHERE NOT "active";--> statement-breakpoint
-- The networks that accounts have logged in from of late are their own from the beginning on, as far as they are told apart by
-- the whole address (IPv4).
INSERT INTO "login_attempts" ("username", "network", "failures", "failed_at", "blocked_until", "logged_in_at")
SELECT name, address, 0, at, 'epoch', at FROM (
	SELECT lower(u.username COLLATE "C") AS name, e.address, max(e.at) AS at,
		row_number() OVER (PARTITION BY u.id ORDER BY max(e.at) DESC) AS nth
	FROM "audit_events" e JOIN "users" u ON u.id = e.account_id
	WHERE e.action = 'login' AND e.outcome = 'done' AND e.at > now() - interval '90 days' AND e.address ~ '^[0-9]+(\.[0-9]+){3}$'
	GROUP BY u.id, e.address) known
WHERE nth <= 4;--> statement-breakpoint
-- Of an account there are 50 sessions at most, the newest, and none that are over. One login after the other, for neither would
-- see the session of the other one.
CREATE FUNCTION "sessions_bounded"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(7205883, NEW.user_id);
	DELETE FROM public.sessions WHERE user_id = NEW.user_id AND (expires_at < now() OR id IN (
		SELECT id FROM public.sessions WHERE user_id = NEW.user_id AND ended_at IS NULL AND expires_at >= now()
		ORDER BY id = NEW.id DESC, created_at DESC OFFSET 50));
	RETURN NULL;
END $$;--> statement-breakpoint
REVOKE ALL ON FUNCTION "sessions_bounded"() FROM PUBLIC;--> statement-breakpoint
CREATE TRIGGER "sessions_bounded" AFTER INSERT ON "sessions" FOR EACH ROW EXECUTE FUNCTION "sessions_bounded"();--> statement-breakpoint
-- There is always an active admin, once there has been one. One such change after the other, for the same reason.
CREATE FUNCTION "users_last_admin"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(7205884);
	IF NOT EXISTS (SELECT FROM public.users WHERE role = 'admin' AND active) THEN
		RAISE EXCEPTION 'This is the last active admin.'
			USING ERRCODE = 'integrity_constraint_violation', TABLE = 'users', CONSTRAINT = 'users_last_admin';
	END IF;
	RETURN NULL;
END $$;--> statement-breakpoint
REVOKE ALL ON FUNCTION "users_last_admin"() FROM PUBLIC;--> statement-breakpoint
CREATE TRIGGER "users_last_admin" AFTER UPDATE OF "role", "active" ON "users" FOR EACH ROW
WHEN (OLD.role = 'admin' AND OLD.active AND NOT (NEW.role = 'admin' AND NEW.active)) EXECUTE FUNCTION "users_last_admin"();--> statement-breakpoint
-- Whether there is one already like what is to be made; and what was kept of an idempotency key. One request after the other, and
-- each looks when it is its turn, at what the one before it has made: so that no id is taken for what cannot be made.
CREATE FUNCTION "account_taken"(name text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('account ' || lower(name COLLATE "C"), 0));
	RETURN EXISTS (SELECT FROM public.users WHERE lower(username COLLATE "C") = lower(name COLLATE "C"));
END $$;--> statement-breakpoint
CREATE FUNCTION "patient_taken"(owner integer, address text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock_shared(hashtextextended('patients ' || owner, 0));
	PERFORM pg_advisory_xact_lock(hashtextextended('patient ' || owner || ' ' || lower(address COLLATE "C"), 0));
	RETURN EXISTS (SELECT FROM public.patients WHERE lower(email COLLATE "C") = lower(address COLLATE "C") AND owner_id = owner);
END $$;--> statement-breakpoint
CREATE FUNCTION "patients_taken"(owner integer, addresses text[]) RETURNS SETOF text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('patients ' || owner, 0));
	RETURN QUERY SELECT lower(email COLLATE "C") FROM public.patients
		WHERE lower(email COLLATE "C") = ANY (addresses) AND owner_id = owner;
END $$;--> statement-breakpoint
CREATE FUNCTION "doctor_taken"(address text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('doctor ' || lower(address COLLATE "C"), 0));
	RETURN EXISTS (SELECT FROM public.doctors WHERE lower(email COLLATE "C") = lower(address COLLATE "C"));
END $$;--> statement-breakpoint
CREATE FUNCTION "assignment_taken"(patient integer, doctor integer) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('assignment ' || patient || ' ' || doctor, 0));
	RETURN EXISTS (SELECT FROM public.mappings WHERE patient_id = patient AND doctor_id = doctor);
END $$;--> statement-breakpoint
CREATE FUNCTION "kept_answer"(account integer, given text) RETURNS SETOF "idempotency_keys" LANGUAGE plpgsql STRICT
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('key ' || account || ' ' || given, 0));
	RETURN QUERY SELECT * FROM public.idempotency_keys WHERE account_id = account AND key = given;
END $$;
