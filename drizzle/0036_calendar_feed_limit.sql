-- Whether a feed works: its account may log in, is still the own account of its doctor, and is a member of its clinic without a
-- break since it created the feed.
CREATE FUNCTION "is_feed_valid"(feed "calendar_feeds") RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (
		SELECT FROM public.users u JOIN public.memberships ms ON ms.account_id = u.id AND ms.clinic_id = feed.clinic_id
		WHERE u.id = feed.account_id AND u.active AND NOT u.must_change_password AND u.role <> 'auditor'
			AND (feed.doctor_id IS NULL OR feed.doctor_id = u.doctor_id)
			AND ms.ended_at IS NULL AND ms.clinic_active AND ms.created_at <= feed.created_at
	)
$$;--> statement-breakpoint
-- The feeds of an account that work, when it is the request's turn. Requests that create feeds of one account wait for each other:
-- otherwise each would count without those of the others. Under READ COMMITTED the query of a VOLATILE function has a snapshot of
-- its own, newer than the lock.
CREATE FUNCTION "lock_valid_feeds"(account integer) RETURNS SETOF "calendar_feeds" LANGUAGE plpgsql VOLATILE ROWS 20
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('calendar feeds of account ' || account, 0));
	RETURN QUERY SELECT cf.* FROM public.calendar_feeds cf WHERE cf.account_id = account AND public.is_feed_valid(cf);
END $$;
