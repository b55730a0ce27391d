-- What an account has got or given as an admin ends when it is no active admin any more, for good: its emergency accesses and
-- its invitations. A trigger, so that the operators' command does the same as the API.
CREATE FUNCTION "users_admin_ended"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	DELETE FROM public.invitations WHERE created_by = NEW.id;
	DELETE FROM public.emergency_accesses WHERE account_id = NEW.id;
	RETURN NULL;
END $$;--> statement-breakpoint
REVOKE ALL ON FUNCTION "users_admin_ended"() FROM PUBLIC;--> statement-breakpoint
CREATE TRIGGER "users_admin_ended" AFTER UPDATE OF "role", "active" ON "users" FOR EACH ROW
WHEN (OLD.role = 'admin' AND OLD.active AND NOT (NEW.role = 'admin' AND NEW.active)) EXECUTE FUNCTION "users_admin_ended"();--> statement-breakpoint
DELETE FROM "invitations" i USING "users" u WHERE u.id = i.created_by AND NOT (u.role = 'admin' AND u.active);--> statement-breakpoint
DELETE FROM "emergency_accesses" ea USING "users" u WHERE u.id = ea.account_id AND NOT (u.role = 'admin' AND u.active);
