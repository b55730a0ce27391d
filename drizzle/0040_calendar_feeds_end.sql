ALTER TABLE "calendar_feeds" ADD COLUMN "ended_at" timestamp (3) with time zone;--> statement-breakpoint
-- A feed ends with what its account needs for it, for good: its address may be known to others, and an account that is enabled again
-- has no sessions from before either. A trigger, so that the operators' command does the same as the API.
CREATE FUNCTION "users_feeds_ended"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE public.calendar_feeds cf SET ended_at = now()
	WHERE cf.account_id = NEW.id AND cf.ended_at IS NULL
		AND (NOT NEW.active OR NEW.role = 'auditor' OR cf.doctor_id <> coalesce(NEW.doctor_id, 0));
	RETURN NULL;
END $$;--> statement-breakpoint
REVOKE ALL ON FUNCTION "users_feeds_ended"() FROM PUBLIC;--> statement-breakpoint
CREATE TRIGGER "users_feeds_ended" AFTER UPDATE OF "role", "active", "doctor_id" ON "users" FOR EACH ROW
WHEN ((OLD.active, OLD.role, OLD.doctor_id) IS DISTINCT FROM (NEW.active, NEW.role, NEW.doctor_id)) EXECUTE FUNCTION "users_feeds_ended"();--> statement-breakpoint
-- As in 0036, and not ended.
CREATE OR REPLACE FUNCTION "is_feed_valid"(feed "calendar_feeds") RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
	SELECT feed.ended_at IS NULL AND EXISTS (
		SELECT FROM public.users u JOIN public.memberships ms ON ms.account_id = u.id AND ms.clinic_id = feed.clinic_id
		WHERE u.id = feed.account_id AND u.active AND NOT u.must_change_password AND u.role <> 'auditor'
			AND (feed.doctor_id IS NULL OR feed.doctor_id = u.doctor_id)
			AND ms.ended_at IS NULL AND ms.clinic_active AND ms.created_at <= feed.created_at
	)
$$;
