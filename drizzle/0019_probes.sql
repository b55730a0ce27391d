CREATE TABLE "probes" (
	"account_id" integer NOT NULL,
	"hour" integer NOT NULL,
	"not_found" integer NOT NULL,
	CONSTRAINT "probes_pkey" PRIMARY KEY("account_id","hour"),
	CONSTRAINT "probes_not_found_check" CHECK ("probes"."not_found" > 0)
);
--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "probing_until" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "probes" ADD CONSTRAINT "probes_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "probes_hour_idx" ON "probes" USING btree ("hour");--> statement-breakpoint
-- The number of the hour since 1970, in UTC.
CREATE FUNCTION "this_hour"() RETURNS integer LANGUAGE sql STABLE AS $$
	SELECT floor(extract(epoch FROM now()) / 3600)::integer
$$;--> statement-breakpoint
-- Aborts the statement of an account that is refused (users.probing_until). The API answers this error with 429.
CREATE FUNCTION "refuse_probing"() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'This account has asked for too many patients that are not there for it.' USING ERRCODE = 'HP429';
END $$;--> statement-breakpoint
-- Counts requests for patients that are not there for the account where they are audited, so that all others cost nothing. The first
-- one above 100 has an event of its own, and the account is refused until the next full hour.
CREATE FUNCTION "audit_events_count_probe"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	asked integer;
BEGIN
	INSERT INTO public.probes AS p (account_id, hour, not_found) VALUES (NEW.account_id, public.this_hour(), 1)
		ON CONFLICT (account_id, hour) DO UPDATE SET not_found = p.not_found + 1
		RETURNING not_found INTO asked;
	IF asked = 101 THEN
		UPDATE public.users SET probing_until = to_timestamp((public.this_hour() + 1) * 3600.0) WHERE id = NEW.account_id;
		INSERT INTO public.audit_events (account_id, username, role, session_id, request_id, address, action, outcome, reason)
			VALUES (NEW.account_id, NEW.username, NEW.role, NEW.session_id, NEW.request_id, NEW.address, 'probing', 'refused',
				'asked for more than 100 patients that are not there for it');
	END IF;
	RETURN NULL;
END $$;--> statement-breakpoint
REVOKE ALL ON FUNCTION "audit_events_count_probe"() FROM PUBLIC;--> statement-breakpoint
CREATE TRIGGER "audit_events_count_probe" AFTER INSERT ON "audit_events" FOR EACH ROW
WHEN (NEW."outcome" = 'not_found' AND NEW."patient_id" IS NOT NULL AND NEW."account_id" IS NOT NULL)
EXECUTE FUNCTION "audit_events_count_probe"();
