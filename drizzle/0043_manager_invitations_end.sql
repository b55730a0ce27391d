-- What a manager has invited to a clinic ends when the account is no manager of it any more, for good: a manager who was removed because
-- of what the account did may be added again later, and the list of invitations does not show those that are not valid. The invitations
-- of an active admin stay: an admin needs no membership to invite. Triggers, so that the operators' command does the same as the API.
-- Their names come before those of the triggers that keep a manager, whose advisory lock is the last one of a statement.
CREATE FUNCTION "memberships_invitations_ended"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	DELETE FROM public.invitations i
	WHERE i.created_by = NEW.account_id AND i.clinic_id = NEW.clinic_id
		AND NOT EXISTS (SELECT FROM public.users u WHERE u.id = NEW.account_id AND u.active AND u.role = 'admin');
	RETURN NULL;
END $$;--> statement-breakpoint
CREATE FUNCTION "users_invitations_ended"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	DELETE FROM public.invitations WHERE created_by = NEW.id;
	RETURN NULL;
END $$;--> statement-breakpoint
REVOKE ALL ON FUNCTION "memberships_invitations_ended"(), "users_invitations_ended"() FROM PUBLIC;--> statement-breakpoint
CREATE TRIGGER "memberships_invitations_ended" AFTER UPDATE OF "role", "ended_at" ON "memberships" FOR EACH ROW
WHEN (OLD."role" = 'manager' AND OLD."ended_at" IS NULL AND NOT (NEW."role" = 'manager' AND NEW."ended_at" IS NULL))
EXECUTE FUNCTION "memberships_invitations_ended"();--> statement-breakpoint
CREATE TRIGGER "users_invitations_ended" AFTER UPDATE OF "role", "active" ON "users" FOR EACH ROW
WHEN (OLD."active" AND OLD."role" <> 'auditor' AND NOT (NEW."active" AND NEW."role" <> 'auditor'))
EXECUTE FUNCTION "users_invitations_ended"();--> statement-breakpoint
-- Those that are not valid at the moment.
DELETE FROM "invitations" i USING "users" u
WHERE u.id = i.created_by AND NOT (u.active AND u.role = 'admin') AND NOT (u.active AND u.role <> 'auditor' AND EXISTS (
	SELECT FROM "memberships" ms
	WHERE ms.clinic_id = i.clinic_id AND ms.account_id = u.id AND ms.role = 'manager' AND ms.ended_at IS NULL));
