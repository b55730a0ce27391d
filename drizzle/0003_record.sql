CREATE TABLE "audit_events" (
	"id" bigserial NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"account_id" integer,
	"username" text,
	"role" text,
	"session_id" uuid,
	"action" text NOT NULL,
	"outcome" text NOT NULL,
	"patients" integer[],
	"doctor_id" integer,
	"subject_id" integer,
	"address" text,
	"request_id" uuid,
	"changes" json,
	"reason" text,
	CONSTRAINT "audit_events_pkey" PRIMARY KEY("at","id"),
	CONSTRAINT "audit_events_outcome_check" CHECK ("audit_events"."outcome" IN ('done', 'not_found', 'refused'))
) PARTITION BY RANGE ("at");
--> statement-breakpoint
CREATE INDEX "audit_events_account_id_at_id_idx" ON "audit_events" USING btree ("account_id","at","id");--> statement-breakpoint
CREATE INDEX "audit_events_action_at_id_idx" ON "audit_events" USING btree ("action","at","id");--> statement-breakpoint
CREATE INDEX "audit_events_outcome_at_id_idx" ON "audit_events" USING btree ("outcome","at","id");--> statement-breakpoint
CREATE INDEX "audit_events_patients_idx" ON "audit_events" USING gin ("patients") WITH (fastupdate=false);--> statement-breakpoint
CREATE INDEX "audit_events_changed_patients_idx" ON "audit_events" USING gin ("patients") WITH (fastupdate=false) WHERE "audit_events"."action" IN ('create', 'import', 'update', 'delete', 'restore', 'transfer', 'assign', 'unassign') AND "audit_events"."outcome" IS NOT DISTINCT FROM 'done';--> statement-breakpoint
-- What is of no month that there is: so that no request fails for want of a partition.
CREATE TABLE "audit_events_default" PARTITION OF "audit_events" DEFAULT;--> statement-breakpoint
-- Makes the partitions of this month in UTC and of so many after it, as far as they are not there, and says how many it made.
-- It runs with the rights of the tables' owner: the Worker, which calls it once an hour, may make no tables itself.
CREATE FUNCTION "audit_partitions"(ahead integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
	first timestamp;
	name text;
	since text;
	until text;
	made integer := 0;
BEGIN
	PERFORM pg_advisory_xact_lock(7205882);
	FOR month IN 0 .. least(ahead, 12) LOOP
		first := date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => month);
		name := 'audit_events_' || to_char(first, 'YYYY_MM');
		CONTINUE WHEN to_regclass('public.' || name) IS NOT NULL;
		since := to_char(first, 'YYYY-MM-DD') || ' 00:00:00+00';
		until := to_char(first + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00';
		-- Made apart and attached, which keeps nobody waiting who writes to another month.
		EXECUTE format('CREATE TABLE public.%I (LIKE public.audit_events INCLUDING ALL)', name);
		LOCK TABLE public.audit_events_default IN ACCESS EXCLUSIVE MODE;
		EXECUTE format('WITH moved AS (DELETE FROM public.audit_events_default WHERE at >= %L AND at < %L RETURNING *)
			INSERT INTO public.%I SELECT * FROM moved', since, until, name);
		EXECUTE format('ALTER TABLE public.audit_events ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', name, since, until);
		made := made + 1;
	END LOOP;
	RETURN made;
END $$;--> statement-breakpoint
REVOKE ALL ON FUNCTION "audit_partitions"(integer) FROM PUBLIC;--> statement-breakpoint
SELECT "audit_partitions"(3);
